"""``turkctl workers``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from turkctl.cli import completion, select
from turkctl.cli.approvals import watch_approvals
from turkctl.cli.batch import confirm, run_batch, show_plan
from turkctl.cli.bundles import bundled
from turkctl.cli.commands import payments, worker_lists
from turkctl.cli.common import invocation, make_group
from turkctl.cli.from_file import is_given, refuse_beside_file
from turkctl.cli.terms import if_given
from turkctl.ids import storable

app = make_group("List workers; approve, reject, pay, message, block and exclude them.")
_NOT_SENT = "not given"
"""In place of the reason in a dry run with --auto, whose bonuses are told apart without one."""
app.add_typer(payments.app, name="payments")
worker_lists.register(app)

Workers = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[WORKER]...",
        help="Ids of workers, yours or the market's.",
        show_default=False,
        callback=select.texts,
    ),
]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Reason, for your records; the worker does not see it.")
]
WorkersFile = Annotated[
    Path | None,
    typer.Option(
        "--from", metavar="FILE", help="Table of workers, with the reason where it differs; - is standard input."
    ),
]


@app.act()
@bundled
def approve(
    ctx: typer.Context,
    selectors: select.WideWorkSelectors,
    feedback: select.Feedback = None,
    override_rejection: select.OverrideRejection = False,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Table of the work to approve, or with a mark for it in a column Approve; - is standard input.",
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep approving submissions the moment they arrive, until Ctrl-C.")
    ] = False,
    dry_run: select.DryRun = False,
) -> None:
    """Approve, and so pay, the submitted work selected. Never asks.

    Examples:
        turkctl workers approve --all --dry-run
        turkctl workers approve 3EXAMPLEASSIGNMENT000000000001 --feedback "Thank you"
        turkctl workers approve --from review.csv
    """
    from turkctl.operations.workers.approve import prepare_approve, prepare_approve_file

    run = invocation(ctx)
    if source is not None:
        refuse_beside_file("the file says what to approve", selectors != select.WideWorkSelectors(), watch=watch)
        plan, act = prepare_approve_file(
            run.context, source, run.output.stdin, feedback=feedback, override_rejection=override_rejection
        )
        run_batch(run, plan, act, dry_run=dry_run, asks=False)
        return
    wanted = selectors.work(run).require()
    if watch:
        if dry_run or override_rejection or wanted.min_gold is not None:
            raise typer.BadParameter("--watch cannot be used with --dry-run, --override-rejection or --min-gold")
        raise typer.Exit(watch_approvals(run, wanted, feedback))
    plan, act = prepare_approve(run.context, wanted, feedback=feedback, override_rejection=override_rejection)
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.act()
@bundled
def bonus(
    ctx: typer.Context,
    selectors: select.WideWorkSelectors,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="What the bonus is for; the worker reads it.")
    ] = None,
    auto: Annotated[
        bool, typer.Option("--auto", help="Pay each the amount in the bonus column of their participant row.")
    ] = False,
    amount: Annotated[
        str | None, typer.Option("--amount", metavar="A", help="Dollars to pay each, as in 0.25.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Table with an id, amount and reason in each row; - is standard input."
        ),
    ] = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="With --from: skip invalid rows instead of paying nothing.")
    ] = False,
    purpose: Annotated[
        str | None,
        typer.Option(
            "--purpose",
            metavar="NAME",
            help="Name of the bonus; each assignment is paid once for it.",
            show_default="auto with --auto, else the reason",
        ),
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="Pay for every assignment of a worker whose id you give, not only for one.")
    ] = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Pay bonuses; nobody is paid twice for the same purpose, even if you run it again.

    Examples:
        turkctl workers bonus --experiment colours --amount 0.25 --reason "Careful work" --dry-run
        turkctl workers bonus --all --auto --reason "A better answer"
        turkctl workers bonus --from bonuses.csv
    """
    from turkctl.errors import UsageError
    from turkctl.operations.payments.bonus import prepare_bonus
    from turkctl.operations.payments.foresee import foresee_bonus
    from turkctl.operations.payments.from_file import prepare_bonus_file
    from turkctl.operations.payments.orders import BonusRequest
    from turkctl.units import parse_money

    run = invocation(ctx)
    if (auto, amount is not None, source is not None).count(True) != 1:
        raise UsageError(
            "the amount to pay is missing, or given twice", hint="give one of --auto, --amount A and --from FILE"
        )
    if source is not None:
        refuse_beside_file("the file says whom to pay", selectors != select.WideWorkSelectors())
        plan, act = prepare_bonus_file(
            run.context,
            source,
            run.output.stdin,
            reason=reason,
            purpose=purpose,
            each=each,
            skip_bad_rows=skip_bad_rows,
        )
    else:
        dollars = if_given(parse_money, amount)
        chosen = selectors.work(run).require()
        words = _NOT_SENT if dry_run and auto and not reason else reason or ""
        request = BonusRequest(words, dollars, purpose, each)
        foreseen = foresee_bonus(run.context, chosen, request) if dry_run else None
        if foreseen is not None:
            show_plan(run, foreseen)
        plan, act = prepare_bonus(run.context, chosen, request)
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)


@app.act()
def reject(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ASSIGNMENT]...", help="Ids of assignments.", show_default=False, callback=select.texts
        ),
    ] = None,
    feedback: Annotated[
        str | None,
        typer.Option(
            "--feedback",
            metavar="TEXT",
            help="Why the work is rejected; the worker reads it. With --from: for rows without a reason.",
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Table with the reason in a column Reject; - is standard input."),
    ] = None,
    people: Annotated[
        int | None,
        typer.Option(
            "--people",
            metavar="N",
            min=0,
            help="Number of people whose work this rejects; with another number nothing is done.",
        ),
    ] = None,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Reject submitted work: it is not paid. In mode live, confirm by the number of people if there are several.

    Examples:
        turkctl workers reject 3EXAMPLEASSIGNMENT000000000001 --feedback "All your answers are the same."
        turkctl workers reject 3EXAMPLEASSIGNMENT000000000001 --feedback "There are no answers." --people 1
        turkctl workers reject --from review.csv --dry-run
    """
    from turkctl.cli.people import agreed_on_people
    from turkctl.operations.workers.reject import people as concerned
    from turkctl.operations.workers.reject import prepare_reject, prepare_reject_file

    run = invocation(ctx)
    if is_given(source, ids, "assignment"):
        plan, act = prepare_reject_file(run.context, source, run.output.stdin, feedback=feedback)
    else:
        plan, act = prepare_reject(run.context, list(dict.fromkeys(ids or ())), feedback or "")
    if not dry_run:
        yes = agreed_on_people(run, "reject the work of", concerned(plan), given=people) or yes
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)


@app.act()
def message(
    ctx: typer.Context,
    workers: Workers = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="S", help="Subject, at most 200 characters.")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", metavar="T", help="Text, at most 4,096 characters.")] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Table of workers, with the subject and the text in columns where they differ; - is standard input.",
        ),
    ] = None,
    new: select.New = False,
    resume: select.Resume = False,
    dry_run: select.DryRun = False,
) -> None:
    """Send a message to workers who did work for this account, 100 with each request.

    Examples:
        turkctl workers message A1EXAMPLEWORKER --subject "Part two" --text "The second part opens on Monday."
        turkctl workers message --from codes.csv --subject "Your code"
    """
    from turkctl.operations.workers.message import MessageRequest, prepare_message, prepare_message_file

    run = invocation(ctx)
    if is_given(source, workers, "worker"):
        words = {"subject": subject, "text": text}
        plan, act = prepare_message_file(run.context, source, run.output.stdin, **words, new=new, resume=resume)
    else:
        meant = tuple(select.meant(run, workers or ()))
        plan, act = prepare_message(run.context, MessageRequest(meant, subject or "", text or "", new, resume))
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.act()
def compensate(
    ctx: typer.Context,
    worker: Annotated[str, typer.Argument(metavar="WORKER", help="Id of the worker, yours or the market's.")],
    amount: Annotated[
        str, typer.Option("--amount", metavar="A", help="Dollars to pay, as in 2.50, before commission.")
    ],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="What the money is for; the worker reads it.")
    ],
    experiment: Annotated[
        str | None,
        typer.Option(
            "--experiment",
            metavar="SLUG",
            help="Experiment whose budget pays.",
            show_default="none",
            autocompletion=completion.experiments,
        ),
    ] = None,
    lifetime: Annotated[
        str, typer.Option("--lifetime", metavar="D", help="Time the worker has to accept the HIT, as in 14d.")
    ] = "14d",
    new: select.New = False,
    resume: select.Resume = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Pay a worker who did the work but could not submit it, through a HIT that only they can see.

    Examples:
        turkctl workers compensate A1EXAMPLEWORKER --amount 2.50 --reason "Our server broke" --experiment colours
    """
    from turkctl.operations.payments.compensate import CompensateRequest, prepare_compensate
    from turkctl.operations.payments.compensate import compensate as carry_out
    from turkctl.units import parse_duration, parse_money

    run = invocation(ctx)
    (found,) = select.meant(run, [worker])
    wanted = CompensateRequest(found, parse_money(amount), reason, experiment, parse_duration(lifetime), new, resume)
    plan = prepare_compensate(run.context, wanted)
    for note in plan.notes:
        run.output.note(note)
    if dry_run:
        raise typer.Exit(run.output.batch(plan.preview()))
    if plan.steps and run.settings.mode == "live" and not yes:
        confirm(run, plan)
    result = carry_out(run.context, plan)
    for item in result.results:
        if item.error is None:
            run.output.note(f"{item.id}: {item.detail}")
    raise typer.Exit(run.output.batch(result))


@app.act()
def block(
    ctx: typer.Context,
    workers: Workers = None,
    reason: Reason = None,
    source: WorkersFile = None,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Block workers from all HITs of this account. To keep them out of one experiment, use exclude.

    Examples:
        turkctl workers block A1EXAMPLEWORKER --reason "A script, not a person"
        turkctl workers block --from robots.csv
    """
    from turkctl.operations.workers.block import prepare_block, prepare_block_file

    run = invocation(ctx)
    if is_given(source, workers, "worker"):
        plan, act = prepare_block_file(run.context, source, run.output.stdin, reason)
    else:
        plan, act = prepare_block(run.context, select.meant(run, workers or ()), reason)
    run_batch(run, plan, act, dry_run=dry_run, asks=True, yes=yes)


@app.act()
def unblock(
    ctx: typer.Context,
    workers: Workers = None,
    reason: Reason = None,
    source: WorkersFile = None,
    dry_run: select.DryRun = False,
) -> None:
    """Unblock workers.

    Examples:
        turkctl workers unblock A1EXAMPLEWORKER
    """
    from turkctl.operations.workers.block import prepare_block, prepare_block_file

    run = invocation(ctx)
    if is_given(source, workers, "worker"):
        plan, act = prepare_block_file(run.context, source, run.output.stdin, reason, unblock=True)
    else:
        plan, act = prepare_block(run.context, select.meant(run, workers or ()), reason, unblock=True)
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.act()
@bundled
def exclude(
    ctx: typer.Context,
    selectors: select.WorkSelectors,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Table of assignments or workers; - is standard input."),
    ] = None,
    dry_run: select.DryRun = False,
) -> None:
    """Keep those who took part out of later HITs of the experiment, through a qualification; nobody is notified.

    Examples:
        turkctl workers exclude --experiment colours
        turkctl workers exclude A1EXAMPLEWORKER --dry-run
        turkctl workers exclude --from pilots.csv
    """
    from turkctl.operations.workers.exclude import prepare_exclude, prepare_exclude_file

    run = invocation(ctx)
    if source is not None:
        refuse_beside_file("the file says whom to keep out", selectors != select.WorkSelectors())
        plan, act = prepare_exclude_file(run.context, source, run.output.stdin)
    else:
        plan, act = prepare_exclude(run.context, selectors.work(run).require())
    run_batch(run, plan, act, dry_run=dry_run, asks=False)


@app.act()
def erase(
    ctx: typer.Context,
    worker: Annotated[
        str, typer.Argument(metavar="WORKER", help="Id of the worker, yours or the market's.", callback=storable)
    ],
    answers: Annotated[bool, typer.Option("--answers", help="Also empty everything that they answered.")] = False,
    dry_run: select.DryRun = False,
    yes: select.Yes = False,
) -> None:
    """Erase a worker from this study: a pseudonym takes their place, and nothing can undo it. Amounts stay.

    Refused while work is undecided or money is open. A later sync keeps the pseudonym. Always asks, unless --yes.

    Examples:
        turkctl workers erase A1EXAMPLEWORKER --dry-run
    """
    from turkctl.cli.batch import confirm_question
    from turkctl.cli.erasures import beyond_study
    from turkctl.operations.workers import erase as erasing

    run = invocation(ctx)
    wanted = erasing.plan_erase(run.context, worker)
    texts = "empty their answers" if answers else "keep their answers"
    words = f"put a pseudonym in the place of {wanted.worker} in this study, and {texts}"
    shown = {"worker_id": wanted.worker, "dry_run": dry_run, "pseudonym": None}
    if dry_run:
        run.output.outcome(shown, f"would {words}", well=False)
        return
    if not yes and not wanted.before:
        confirm_question(run, words, otherwise="--dry-run to see it")
    pseudonym = None if wanted.before else erasing.erase(run.context, wanted, answers_too=answers)
    beyond = beyond_study(erasing.clean(run.context))
    done = "erased before; the files are written anew" if pseudonym is None else f"erased; now {pseudonym}"
    run.output.outcome(shown | {"pseudonym": pseudonym, "beyond": beyond}, done)
    run.output.note(f"this cannot reach: {'; '.join(beyond)}")
