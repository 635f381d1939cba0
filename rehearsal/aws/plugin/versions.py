"""The one MiniStack that this plug-in fits: it uses names that MiniStack may change with any version."""

import ast
import importlib
import importlib.metadata
from pathlib import Path

PINNED = {"ministack": "1.5.33", "botocore": "1.43.106", "Hypercorn": "0.18.0"}

_LIBRARY = "ministack"
_CLOUDFORMATION = "ministack.services.cloudformation"

# Names that are set on several modules in a loop, which a look at the source does not tell apart.
_IN_LOOPS = {
    f"{_CLOUDFORMATION}.changesets": {"_evaluate_conditions", "_topological_sort"},
    f"{_CLOUDFORMATION}.engine": {"_evaluate_conditions", "_topological_sort"},
    f"{_CLOUDFORMATION}.handlers": {"_evaluate_conditions"},
    f"{_CLOUDFORMATION}.stacks": {"_evaluate_conditions", "_topological_sort"},
}


class VersionError(Exception):
    """What is installed is not what the plug-in was written for; the text is one line."""


def check() -> None:
    """Raise VersionError for another version, or for a name that the plug-in uses and MiniStack lacks.

    This imports MiniStack.
    """
    for package, wanted in PINNED.items():
        try:
            found = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found = "not installed"
        if found != wanted:
            raise VersionError(f"{package} is {found}, not {wanted}: install requirements.txt")
    used = {module: set(names) for module, names in _IN_LOOPS.items()}
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        for module, names in names_used(source.read_text(encoding="utf-8")).items():
            used.setdefault(module, set()).update(names)
    missing = [
        f"{module}.{name}" for module, names in sorted(used.items()) for name in sorted(names) if not _has(module, name)
    ]
    if missing:
        raise VersionError(f"MiniStack lacks what the plug-in uses: {', '.join(missing)}")


def _has(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name)
    except ImportError:
        # "from package import thing", where thing is an object and no module.
        package, _, thing = module.rpartition(".")
    try:
        return hasattr(getattr(importlib.import_module(package), thing), name)
    except (ImportError, AttributeError):
        return False


def names_used(source: str) -> dict[str, set[str]]:
    """MiniStack's modules that Python source imports, each with the names that the source takes from it."""
    if _LIBRARY not in source:
        return {}
    nodes = list(ast.walk(ast.parse(source)))
    modules: dict[str, str] = {}
    used: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _LIBRARY:
            for alias in node.names:
                used.setdefault(str(node.module), set()).add(alias.name)
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            used.setdefault(modules[node.value.id], set()).add(node.attr)
    # "from package import module": importing the module is what proves that it is there.
    packages = {name.rsplit(".", 1)[0] for name in used}
    for package in packages & used.keys():
        used[package] = {name for name in used[package] if f"{package}.{name}" not in used}
    return used
