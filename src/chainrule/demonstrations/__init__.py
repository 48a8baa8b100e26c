"""The networks of the chart at work: each on data that suits it, measured beside a baseline."""
