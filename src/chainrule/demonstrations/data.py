"""The data of the demonstrations. Each body is shown on the page as code, without its last line."""

from __future__ import annotations

from chainrule.demonstrations.base import Split

__all__ = [
    "adding",
    "digit_images",
    "digit_rows",
    "digits",
    "parity",
    "ring",
    "sunspots",
    "three_modes",
    "tumours",
]

# Imports stand in the functions because they are part of what is shown.


def tumours() -> Split:
    """Two measurements of breast tumours, standardised; is the tumour benign?"""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, [1, 7]]  # mean texture, mean concave points
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    scaler = StandardScaler().fit(X_train)
    X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
    return Split(X_train, X_test, y_train, y_test)


def digits() -> Split:
    """Handwritten digits, half of them held out."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X / 16, y, test_size=0.5, stratify=y, random_state=0
    )
    return Split(X_train, X_test, y_train, y_test)


def digit_images() -> Split:
    """The same digits, for networks that are not told which they are."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    X_train, X_test, _, y_test = train_test_split(
        X / 16, y, test_size=0.5, stratify=y, random_state=0
    )
    return Split(X_train, X_test, None, y_test)


def digit_rows() -> Split:
    """The same digits, read as eight rows of eight pixels, one after another."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 8, 8) / 16  # steps, features
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.5, stratify=y, random_state=0
    )
    return Split(X_train, X_test, y_train, y_test)


def ring() -> Split:
    """Does a point lie where 1 ≤ ‖x‖ ≤ 2?"""
    from chainrule.datasets.generated import make_ring

    X_train, y_train = make_ring(1000, random_state=0)
    X_test, y_test = make_ring(1000, random_state=1)
    return Split(X_train, X_test, y_train, y_test)


def three_modes() -> Split:
    """Three heaps of one class between those of the other."""
    from chainrule.datasets.generated import make_three_modes

    X_train, y_train = make_three_modes(1000, random_state=0)
    X_test, y_test = make_three_modes(1000, random_state=1)
    return Split(X_train, X_test, y_train, y_test)


def parity() -> Split:
    """Is the number of pixels above zero odd?"""
    from chainrule.datasets.generated import make_parity

    X_train, y_train = make_parity(1000, n_pixels=8, random_state=0)
    X_test, y_test = make_parity(1000, n_pixels=8, random_state=1)
    return Split(X_train, X_test, y_train, y_test)


def sunspots() -> Split:
    """Sunspots of each year: learn from those up to 1920, predict 1921 to 1955 a year ahead."""
    from chainrule.datasets.sequences import load_sunspots

    years, numbers = load_sunspots()
    X_train = numbers[years <= 1920] / 100
    X_test = numbers[years < 1955] / 100  # what is known before each prediction
    y_test = numbers[(years > 1920) & (years <= 1955)] / 100
    return Split(X_train, X_test, None, y_test)


def adding() -> Split:
    """The sum of two marked values, among a hundred."""
    from chainrule.datasets.generated import make_adding

    X_train, y_train = make_adding(1000, n_timesteps=100, random_state=0)
    X_test, y_test = make_adding(1000, n_timesteps=100, random_state=1)
    return Split(X_train, X_test, y_train, y_test)
