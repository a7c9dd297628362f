"""Question documents for tests of the worker site."""

from __future__ import annotations

from xml.sax.saxutils import escape

from turkctl.market.questions import EXTERNAL, FORMS


def external_document(url: str, height: str = "400") -> str:
    return (
        f'<ExternalQuestion xmlns="{EXTERNAL[1:-1]}"><ExternalURL>{escape(url)}</ExternalURL>'
        f"<FrameHeight>{height}</FrameHeight></ExternalQuestion>"
    )


def form_document(*parts: str) -> str:
    return f'<QuestionForm xmlns="{FORMS[0][1:-1]}">{"".join(parts)}</QuestionForm>'


def form_question(name: str, answer: str, *, content: str = "<Text>Well?</Text>", required: bool = True) -> str:
    return (
        f"<Question><QuestionIdentifier>{escape(name)}</QuestionIdentifier>"
        f"<IsRequired>{'true' if required else 'false'}</IsRequired>"
        f"<QuestionContent>{content}</QuestionContent><AnswerSpecification>{answer}</AnswerSpecification></Question>"
    )


def free_text(constraints: str = "", more: str = "") -> str:
    return f"<FreeTextAnswer><Constraints>{constraints}</Constraints>{more}</FreeTextAnswer>"


def choice(style: str, *texts: str, least: int = 1, most: int = 1, other: bool = False) -> str:
    listed = "".join(
        f"<Selection><SelectionIdentifier>{text}</SelectionIdentifier><Text>{text}</Text></Selection>" for text in texts
    )
    typed = "<OtherSelection/>" if other else ""
    return (
        f"<SelectionAnswer><MinSelectionCount>{least}</MinSelectionCount><MaxSelectionCount>{most}</MaxSelectionCount>"
        f"<StyleSuggestion>{style}</StyleSuggestion><Selections>{listed}{typed}</Selections></SelectionAnswer>"
    )
