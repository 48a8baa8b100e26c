"""From LLVM modules to functions in memory, by way of the cache on disk."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
from llvmlite import ir

from chainrule.engines.native import cache
from chainrule.engines.native.modules import Modules

__all__ = ["Code", "compile_code", "host", "vector_registers"]

_lock = threading.Lock()


@functools.cache
def _target() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


def _target_machine() -> Any:
    """A new one each time: the code that is loaded with it takes it over."""
    return _target().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=_features(), opt=2, jit=True
    )


@functools.cache
def _features() -> str:
    try:
        return str(llvm.get_host_cpu_features().flatten())
    except RuntimeError:
        return ""


@functools.cache
def host() -> str:
    """What compiled code depends on besides the program: the processor and LLVM."""
    version = ".".join(str(each) for each in llvm.llvm_version_info)
    return f"{llvm.get_default_triple()} {llvm.get_host_cpu_name()} {_features()} {version}"


@functools.cache
def vector_registers() -> tuple[int, int]:
    """Bits of a vector register of this processor, and how many it has."""
    try:
        features = dict(llvm.get_host_cpu_features())
    except RuntimeError:
        features = {}
    if features.get("avx512f"):
        return 512, 32
    if features.get("avx"):
        return 256, 16
    return 128, 32 if features.get("neon") else 16


class Code:
    """Machine code in memory; it lives as long as this object."""

    def __init__(self, code: bytes) -> None:
        with _lock:
            empty = llvm.parse_assembly("")
            self._engine = llvm.create_mcjit_compiler(empty, _target_machine())
            self._object = llvm.ObjectFileRef.from_data(code)
            self._engine.add_object_file(self._object)
            self._engine.finalize_object()

    def address(self, name: str) -> int:
        """The address of an exported function."""
        return int(self._engine.get_function_address(name))


@functools.cache
def _own_source() -> str:
    """A digest of this folder: code that an older compiler made is not used again."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def compile_code(description: str, make_modules: Callable[[], Modules]) -> Code:
    """Compile the modules of a program, or take its code from the cache.

    Parameters
    ----------
    description : str
        Text that tells all programs with different code apart.
    make_modules : callable
        Builds the modules; called only where the cache has no code.
    """
    key = cache.key_of(description, _own_source(), host(), llvmlite.__version__)
    code = cache.load(key)
    if code is not None:
        try:
            return Code(code)
        except RuntimeError:
            pass
    code = _generate(make_modules())
    cache.save(key, code)
    return Code(code)


def _generate(modules: Modules) -> bytes:
    machine = _target_machine()
    with _lock:
        loops, control = (_parsed(each, machine) for each in (modules.loops, modules.control))
        options = llvm.create_pipeline_tuning_options(speed_level=1)
        options.loop_vectorization = True
        options.slp_vectorization = False
        options.loop_unrolling = False
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(loops, builder)
        tidy = llvm.create_new_module_pass_manager()
        tidy.add_sroa_pass()
        tidy.add_instruction_combine_pass()
        tidy.add_simplify_cfg_pass()
        tidy.run(control, builder)
        control.link_in(loops)
        return bytes(machine.emit_object(control))


def _parsed(module: ir.Module, machine: Any) -> Any:
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    return parsed
