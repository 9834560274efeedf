"""The command line: parses, calls, prints, exits.  What is done is in `pipeline`; what is printed,
in `report`.  Results go to stdout, everything else to stderr."""

from __future__ import annotations

import json
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

import modelcheck
from modelcheck import pipeline
from modelcheck.engines.native import Native
from modelcheck.exit_codes import Exit, of_all
from modelcheck.options import asked_of_many, limited, settings, usable_cpus
from modelcheck.passes import REDUCTIONS
from modelcheck.quoting import document as json_document
from modelcheck.quoting import quoted
from modelcheck.report.lanes import WIDTH
from modelcheck.report.pieces import write
from modelcheck.report.progress import ProgressLine
from modelcheck.report.text import validation_rows, verdict_rows
from modelcheck.search import ENGINES, Engine
from modelcheck.source import ConfigurationError, SpecError
from modelcheck.trace import VERSION, Disagreement, Limits, exit_code, to_json
from modelcheck.writing import check_that_it_can_be_named, write_whole

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
)

Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A parameter: PAGES=3, WAIT=True."),
]
Full = Annotated[bool, typer.Option("--full", help="Whole lines, the whole heap, each warning.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Debug = Annotated[bool, typer.Option("--debug", help="A traceback for an internal error.")]


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Is a design for a hypervisor's page heap safe under every interleaving?"""
    if version:
        print(version_text())
        raise typer.Exit


def version_text() -> str:
    """What `modelcheck --version` prints."""
    return f"modelcheck {modelcheck.__version__}"


@app.command()
def verify(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC", help="Files to check.")],
    sets: Sets = None,
    properties: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="SENTENCE", help="Check only this property."),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="auto (quick, then native), quick, native, reference, symbolic (runs of so many "
            "steps) or induction."
        ),
    ] = "auto",
    reductions: Annotated[
        bool, typer.Option(help="Native: search fewer states, where that leaves the verdict.")
    ] = True,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="REDUCTION", help=f"But not this one: {', '.join(REDUCTIONS)}."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Native: threads; else one for each CPU.")
    ] = None,
    fingerprints: Annotated[
        bool,
        typer.Option(
            "--fingerprints", help="Native: know a state by 64 bits of hash; the odds are printed."
        ),
    ] = False,
    max_depth: Annotated[
        int | None, typer.Option(min=0, help="Symbolic: stop after runs of so many steps.")
    ] = None,
    max_states: Annotated[int | None, typer.Option(min=1, help="Stop after so many.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Stop after so long.")] = None,
    max_memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Stop when so much is in use: 512M, 4G.")
    ] = None,
    walks: Annotated[
        int,
        typer.Option(min=0, help="Random walks of the allocator, on which HOLDS is tried."),
    ] = pipeline.WALKS,
    graph: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the state graph there: .dot, or .graphml."),
    ] = None,
    full: Full = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Search every interleaving of a spec; show the shortest way to break a property."""

    def command() -> Exit:
        if engine not in ENGINES:
            known = pipeline.nearest(engine, list(ENGINES))
            raise ConfigurationError(f"no engine {engine!r}: {known}")
        for name in without or ():
            if name not in REDUCTIONS:
                known = pipeline.nearest(name, list(REDUCTIONS))
                raise ConfigurationError(f"no reduction {name!r}: {known}")
        fewer = frozenset(REDUCTIONS if reductions else ()).difference(without or ())
        how = Native(fewer, jobs or usable_cpus(), fingerprints)
        by = Engine(engine, max_depth, how)
        limits = limited(max_states, max_seconds, max_memory)
        by.fits(limits)
        if graph is not None:
            _fits_a_graph(graph, specs)
        parameters = settings(sets or [])
        wanted = tuple(properties or ())
        for path in specs:
            if "=" in path and not Path(path).exists():
                raise ConfigurationError(f"there is no file {path}: write --set {path}")
        codes: list[Exit] = []
        documents: list[str] = []
        for path in specs:
            if codes and not as_json:
                print()
            codes.append(
                _verify_one(
                    path, parameters, wanted, limits, by, walks, full, as_json, documents, graph
                )
            )
            if codes[-1] == Exit.INTERRUPTED:
                break
        if as_json:
            print(documents[0] if len(specs) == 1 else one_document(documents), end="")
        return of_all(codes)

    exiting(command, debug)


def _verify_one(
    path: str, sets: pipeline.Sets, properties: tuple[str, ...], limits: Limits, by: Engine,
    walks: int, full: bool, as_json: bool, documents: list[str], graph: str | None,
) -> Exit:
    """Check one spec and print what was found, or add its document; its exit code."""
    try:
        with ProgressLine(path, sys.stderr) as progress:
            checked = pipeline.verify(path, sets, properties, limits, progress, by, walks)
    except (SpecError, ConfigurationError) as error:
        code, text = _refusal(error)
        documents.append(_error_document(path, text))
        print(text, file=sys.stderr)
        return code
    if as_json:
        documents.append(to_json(checked.verdict))
    else:
        rows = verdict_rows(
            checked.verdict, checked.expected, _width(), full, checked.helps, checked.idle,
            checked.unchecked,
        )
        write(rows, sys.stdout)
    if checked.verdict.engine == "native":
        _say_why_nothing_is_kept()
    code = exit_code(checked.verdict)
    if graph is None or code == Exit.INTERRUPTED:
        return code
    try:
        _write(graph, pipeline.graph(
            path, sets, properties, checked.verdict, Path(graph).suffix
        ))
    except ConfigurationError as error:
        _, text = _refusal(error)
        print(text, file=sys.stderr)
        return code or Exit.CONFIGURATION
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except Exception as error:  # the verdict is printed, or will be
        print(quoted(f"graph failed: {type(error).__name__}: {error}", "rows"), file=sys.stderr)
        return Exit.DISAGREES if isinstance(error, Disagreement) else Exit.INTERNAL
    return code


def _fits_a_graph(file: str, specs: list[str]) -> None:
    """ConfigurationError if there cannot be a graph in that file."""
    if Path(file).suffix not in pipeline.GRAPHS:
        raise ConfigurationError(f"--graph {file}: name a {' or a '.join(pipeline.GRAPHS)} file")
    check_that_it_can_be_named("--graph", file)
    if len(specs) > 1:
        raise ConfigurationError(f"--graph {file}: one file is for the graph of one spec")


@app.command()
def show(
    spec: Annotated[str, typer.Argument(metavar="SPEC")],
    sets: Sets = None,
    stage: Annotated[
        str | None, typer.Option(help="Print the program as it is after this stage.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Print the guarded actions that a spec is compiled to."""

    def command() -> Exit:
        from modelcheck.frontend.compile import stages
        from modelcheck.notation import print_program
        from modelcheck.passes.stages import reduced_stages

        programs = dict(stages(pipeline.shown_path(spec), settings(sets or [])))
        last = list(programs)[-1]
        name = stage or last
        programs.update(reduced_stages(programs[last]))
        if name not in programs:
            known = pipeline.nearest(name, list(programs))
            raise ConfigurationError(f"no stage {name!r}: {known}")
        print(print_program(programs[name]), end="")
        return Exit.FINE

    exiting(command, debug)


@app.command()
def replay(
    trace: Annotated[str, typer.Argument(metavar="TRACE.json", help="From verify --json.")],
    full: Full = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Run a recorded counterexample again, on the executable allocator."""

    def command() -> Exit:
        checked = pipeline.replay_file(trace)
        if as_json:
            print(to_json(checked.verdict), end="")
        else:
            write(verdict_rows(checked.verdict, checked.expected, _width(), full), sys.stdout)
        return exit_code(checked.verdict)

    exiting(command, debug)


@app.command("gate")
def gate_command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATHS]", help="Files and folders; else [tool.modelcheck]'s."),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="For each spec; inconclusive after it.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Specs at once; else a CPU each.")] = None,
    max_memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="For each spec: 512M, 4G.")
    ] = None,
    walks: Annotated[
        int | None, typer.Option(min=0, help="Random walks on which each HOLDS is tried.")
    ] = None,
    junit: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write JUnit XML there too.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Check every spec against its EXPECT, for CI; inconclusive is never a pass."""

    def command() -> Exit:
        # multiprocessing, XML and TOML: for this command only
        from modelcheck import gate
        from modelcheck.gated import exit_code as gate_exit_code
        from modelcheck.report.gate_table import gate_rows
        from modelcheck.report.junit import junit as junit_xml

        if junit is not None:
            check_that_it_can_be_named("--junit", junit)
        wanted, rules, at_once = asked_of_many(paths, budget, jobs, max_memory, walks)
        with ProgressLine("gate", sys.stderr) as progress:
            results = gate.run(wanted, rules, at_once, progress.show)
        write(gate_rows(results), sys.stdout)
        _say_why_nothing_is_kept()
        if junit is not None:
            _write(junit, junit_xml(results))
        return gate_exit_code(results)

    exiting(command, debug)


@app.command("table")
def table_command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATHS]", help="Files and folders; else [tool.modelcheck]'s."),
    ] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="For a README.")] = False,
    as_json: Json = False,
    budget: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="For each row; not known after it.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Rows at once; else a CPU each.")] = None,
    max_memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="For each row: 512M, 4G.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Which design keeps which promise: a row for each instance that a gate looks at."""

    def command() -> Exit:
        from modelcheck import tabled
        from modelcheck.report.promises import markdown, reasons, table_rows
        from modelcheck.table import run

        if as_json and as_markdown:
            raise ConfigurationError("--json and --markdown: one of them")
        wanted, rules, at_once = asked_of_many(paths, budget, jobs, max_memory, 0)
        with ProgressLine("table", sys.stderr) as progress:
            rows = run(wanted, rules, at_once, progress.show)
        _say_why_nothing_is_kept()
        if as_json:
            print(tabled.to_json(rows), end="")
        elif as_markdown:
            print(markdown(rows), end="")
            write(reasons(rows), sys.stderr)
        else:
            write(table_rows(rows), sys.stdout)
        return tabled.exit_code(rows)

    exiting(command, debug)


@app.command()
def export(
    spec: Annotated[str, typer.Argument(metavar="SPEC")],
    to: Annotated[str, typer.Option(metavar="LANGUAGE", help="promela, murphi or tlaplus.")],
    sets: Sets = None,
    out: Annotated[
        str | None, typer.Option("-o", metavar="FILE", help="Write it there, not to stdout.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write a spec in the language of SPIN, Rumur or TLC, one step for one step."""

    def command() -> Exit:
        if out is not None:
            check_that_it_can_be_named("-o", out)
        name = Path(out).stem if out is not None else None
        files = pipeline.export(spec, settings(sets or []), to, name)
        if out is None:
            print("".join(file.text for file in files), end="")
            return Exit.FINE
        first, *beside = files
        _write(out, first.text)
        for file in beside:
            _write(str(Path(out).with_suffix(file.suffix)), file.text)
        return Exit.FINE

    exiting(command, debug)


@app.command("crosscheck")
def crosscheck_command(
    spec: Annotated[str, typer.Argument(metavar="SPEC")],
    sets: Sets = None,
    tlc: Annotated[
        str | None, typer.Option(metavar="JAR", help="Ask TLC too: tla2tools.jar.")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(help="For each checker; not known after it.")
    ] = None,
    max_memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="For each checker: 512M, 4G.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Ask SPIN, Rumur and TLC, as far as they are installed, whether they find the same."""

    def command() -> Exit:
        from modelcheck.agreement import exit_code as agreed  # subprocesses: for this command only
        from modelcheck.crosscheck import crosscheck
        from modelcheck.peers import known
        from modelcheck.report.crosscheck_table import crosscheck_rows

        if tlc is not None and not Path(tlc).is_file():
            raise ConfigurationError(f"--tlc {tlc}: there is no such file")
        limits = limited(None, max_seconds, max_memory)
        with ProgressLine(spec, sys.stderr) as progress:
            found = crosscheck(spec, settings(sets or []), known(tlc), limits, progress)
        write(crosscheck_rows(found), sys.stdout)
        return agreed(found)

    exiting(command, debug)


def _write(path: str, text: str) -> None:
    try:
        write_whole(Path(path), text)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None


@app.command("debug")
def debug_(
    spec: Annotated[str, typer.Argument(metavar="SPEC")],
    trace: Annotated[str, typer.Argument(metavar="TRACE.json", help="From verify --json.")],
    cpu: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose steps; else who fails: domain[0].")
    ] = None,
    debug: Debug = False,
) -> None:
    """Follow a recorded counterexample with pdb, on the executable allocator."""

    def command() -> Exit:
        became = pipeline.debug(spec, trace, cpu)
        if became is not None:
            write(validation_rows(became), sys.stdout)
        wrong = became is not None and became.mark == "NOT REPRODUCED"
        return Exit.DISAGREES if wrong else Exit.FINE

    exiting(command, debug)


def _say_why_nothing_is_kept() -> None:
    """On stderr, where each run compiles anew."""
    from modelcheck.engines.native.kept import why_not

    if why := why_not():
        print(quoted(f"note: {why}", "row"), file=sys.stderr)


def exiting(command: Callable[[], Exit], debug: bool) -> None:
    """Exit with the command's code; whatever goes wrong is said in a sentence."""
    try:
        code = command()
        sys.stdout.flush()
    except (SpecError, ConfigurationError) as error:
        code, text = _refusal(error)
        print(text, file=sys.stderr)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
        print("interrupted", file=sys.stderr)
    except BrokenPipeError:
        code = Exit.INTERRUPTED
        sys.stderr.close()  # the reader has gone: nothing is left to be said to him
    except OSError as error:
        code = Exit.CONFIGURATION
        print(f"error: {error.strerror or error}", file=sys.stderr)  # a full disk, say
    except Exception as error:
        code = Exit.DISAGREES if isinstance(error, Disagreement) else Exit.INTERNAL
        if debug:
            traceback.print_exc()
        hint = "" if debug else "; --debug shows the traceback"
        print(
            quoted(f"internal error: {type(error).__name__}: {error}", "rows") + "\n"
            f"This is a defect of modelcheck: please report it, with the spec{hint}.",
            file=sys.stderr,
        )
    raise typer.Exit(code)


def _refusal(error: SpecError | ConfigurationError) -> tuple[Exit, str]:
    if isinstance(error, SpecError):
        return Exit.REFUSED, error.text()
    return Exit.CONFIGURATION, quoted(f"error: {error}", "rows")


def one_document(documents: list[str]) -> str:
    """The documents of several specs as one."""
    several: dict[str, Any] = {"format": "modelcheck-verdicts", "version": VERSION}
    several["verdicts"] = [json.loads(d) for d in documents]
    return json_document(several)


def _error_document(path: str, text: str) -> str:
    document = {"format": "modelcheck-error", "version": VERSION, "spec": path, "error": text}
    return json_document(document)


def _width() -> int:
    """The terminal's width; off a terminal always the same."""
    return max(100, shutil.get_terminal_size().columns) if sys.stdout.isatty() else WIDTH
