"""Every shape of a slide is read: in groups, with equations, whatever its number."""

from __future__ import annotations

import io

import pptx
from pptx.oxml import parse_xml
from pptx.presentation import Presentation
from pptx.shapes.autoshape import Shape
from pptx.shapes.shapetree import GroupShapes, SlideShapes
from pptx.slide import Slide
from pptx.util import Inches

from researcher_job.sources.readers.office.pptx import read
from tests.researcher_job.files import places as places_of

ALTERNATIVES = """<mc:AlternateContent
 xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">
 <mc:Choice Requires="a14"/><mc:Fallback/></mc:AlternateContent>"""


def slide() -> tuple[Presentation, Slide]:
    deck = pptx.Presentation()
    found = deck.slides.add_slide(deck.slide_layouts[5])
    found.shapes.title.text = "Costs"
    return deck, found


def box(shapes: SlideShapes | GroupShapes, said: str) -> Shape:
    shape = shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1))
    shape.text_frame.text = said
    return shape


def places(deck: Presentation) -> list[tuple[str, str]]:
    buffer = io.BytesIO()
    deck.save(buffer)
    document = read(buffer.getvalue(), "a.pptx")
    return places_of(document)


def test_shapes_of_groups_are_read_however_deep() -> None:
    deck, first = slide()
    shapes: SlideShapes | GroupShapes = first.shapes
    for depth in range(40):
        shapes = shapes.add_group_shape().shapes
        box(shapes, f"Number {depth}.")
    assert places(deck) == [("Costs, slide 1", f"Number {depth}.") for depth in range(40)]


def test_a_shape_with_the_number_of_the_title_is_read() -> None:
    deck, first = slide()
    shape, title = box(first.shapes, "The heron."), first.shapes.title
    assert title is not None
    shape.element.nvSpPr.cNvPr.set("id", str(title.shape_id))
    assert places(deck) == [("Costs, slide 1", "The heron.")]


def test_shapes_that_are_there_in_several_ways_are_read_once_in_their_place() -> None:
    deck, first = slide()
    box(first.shapes, "Before.")
    choice, fallback = box(first.shapes, "As it is."), box(first.shapes, "For old programs.")
    picture, other = box(first.shapes, " "), box(first.shapes, "Words of the second.")
    box(first.shapes, "After.")
    for one, two in ((choice, fallback), (picture, other)):
        alternatives = parse_xml(ALTERNATIVES)
        one.element.addprevious(alternatives)
        alternatives[0].append(one.element)
        alternatives[1].append(two.element)
    assert [said for _, said in places(deck)] == [
        "Before.",
        "As it is.",
        "Words of the second.",
        "After.",
    ]
