"""Who takes part in a scenario: the folder of its family has a file for each program.

The file is named after what the program is written on.
"""

from pathlib import Path

from runner.programs import PROJECT, SOURCES, BenchmarkError, Program

FLOOR = "epoll"
SELECT_LIMIT = 1000  # LuaSocket's select takes no descriptor above 1023

# In the order of the tables. What is compiled has the source NAME.cpp, or a package in go/.
_COMPILED = ("epoll", "curl", "asio", "copas", "go")
_MODULES = {
    "luv": 'require "luv"',
    "cqueues": 'require "cqueues.socket"',
    "lua-http": 'require "http.request"',
}
_UPSTREAM = PROJECT / "out" / "upstream" / "usr" / "share" / "lua" / "5.1"  # where get-upstream puts it


def all_names() -> list[str]:
    """Every peer there is in any family."""
    ours = ["copas-lua5.4", "copas-luajit"]
    others = ["bare-lua5.4", "bare-luajit", "upstream-lua5.1", "upstream-luajit", "luasec", "node", "nginx", "openssl"]
    return [*_COMPILED, *ours, *_MODULES, *others, "lua5.4", "luajit"]


def of(family: str, build: Path) -> list[Program]:
    """The programs of a family, with what is compiled in `build`."""
    folder = SOURCES / family
    programs = [_compiled(family, name, build) for name in _COMPILED if _has_source(family, name)]
    if (script := folder / "copas.lua").exists():
        programs += [
            copas_script("copas-lua5.4", "lua5.4", script, build / "lua" / "5.4"),
            copas_script("copas-luajit", "luajit", script, build / "lua" / "5.1"),
        ]
    if (script := folder / "bare.lua").exists():
        programs += [_bare("lua5.4", "5.4", script, build), _bare("luajit", "5.1", script, build)]
    for name, probe in _MODULES.items():
        if (script := folder / f"{name}.lua").exists():
            lua = "lua5.2" if name == "lua-http" else "lua5.4"  # for which it is packaged
            programs.append(Program(name, (lua, str(script)), probe=probe))
    if (script := folder / "upstream.lua").exists():
        programs += [upstream_command(f"upstream-{lua}", (lua, str(script))) for lua in ("lua5.1", "luajit")]
    if (script := folder / "luasec.lua").exists():
        programs.append(
            Program("luasec", ("lua5.1", str(script)), probe='require "ssl"', most_connections=SELECT_LIMIT)
        )
    if (script := folder / "node.js").exists():
        programs.append(Program("node", ("node", str(script))))
    return programs


def _has_source(family: str, name: str) -> bool:
    source = SOURCES / "go" / family if name == "go" else SOURCES / family / f"{name}.cpp"
    return source.exists()


def _bare(lua: str, version: str, script: Path, build: Path) -> Program:
    if not (script.parent / "bare_loop.cpp").exists():
        return Program(f"bare-{lua}", (lua, str(script)))
    module = build / "bench" / f"{script.parent.name}-bare" / version / "bare_loop.so"
    environment = {"LUA_CPATH": str(module.with_name("?.so"))}
    return Program(f"bare-{lua}", (lua, str(script)), needs=(module,), environment=environment)


def _compiled(family: str, name: str, build: Path) -> Program:
    path = build / "bench" / f"{family}-{name}"
    return Program(name, (str(path),), needs=(path,))


def copas_script(name: str, interpreter: str, script: Path, modules: Path) -> Program:
    """A script that gets this project's modules."""
    return copas_command(name, (interpreter, str(script)), modules)


def copas_command(name: str, command: tuple[str, ...], modules: Path) -> Program:
    """A command that gets this project's modules."""
    # No default paths: another Copas that is installed must not be measured in place of this one.
    return Program(
        name,
        command,
        needs=(modules / "copas.so",),  # one that is there but does not load is a failure
        environment={"LUA_PATH": "", "LUA_CPATH": f"{modules}/?.so"},
    )


def upstream_command(name: str, command: tuple[str, ...]) -> Program:
    """A command that gets Debian's Copas."""
    return Program(
        name,
        command,
        needs=(_UPSTREAM / "copas.lua",),
        environment={"LUA_PATH": f"{_UPSTREAM}/?.lua;;"},
        most_connections=SELECT_LIMIT,
    )


def built(name: str, build: Path) -> Path:
    """A program of ours that is not measured, such as a load generator; raises when it was not built."""
    path = build / "bench" / name
    if not path.exists():
        raise BenchmarkError(f"{path} does not exist; build with -DCOPAS_BENCH=ON, or say --build DIR")
    return path

