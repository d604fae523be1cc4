"""The actions of the window: keys, buttons, tooltips and the list of shortcuts."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Protocol

from qtpy.QtWidgets import QPushButton, QWidget

from napari_sepl.core.algorithm.assignment import REJECT
from napari_sepl.document.edits import InputsChoice, Status
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.mouse import Mouse
from napari_sepl.gui.queue.navigator import Navigator
from napari_sepl.gui.view import View


class DatasetTarget(Protocol):
    """What actions on a dataset call: the dock of its queue."""

    navigator: Navigator

    def apply_params(self) -> None:
        """Set the current thresholds of the selected or listed samples."""

    def accept_unchanged(self) -> None:
        """Accept the selected or listed samples that change little."""

    def set_statuses(self, status: Status) -> None:
        """Give the selected or listed samples a status."""

    def undo_bulk(self) -> None:
        """Undo the last bulk action."""

    def stop_bulk(self) -> None:
        """Stop the running bulk action."""

    def refresh(self) -> None:
        """Look for files that appeared, vanished or changed."""

    def export(self) -> None:
        """Show the dialog that exports the dataset."""


class Target(Protocol):
    """What actions call: the docks of one viewer."""

    controller: Controller
    mouse: Mouse

    @property
    def dataset(self) -> DatasetTarget:
        """The open dataset."""

    def show_queue(self) -> None:
        """Dock the queue again."""

    def show_masks_and_thresholds(self) -> None:
        """Show the threshold plane and the table of masks, or hide them."""

    def show_sweep(self) -> None:
        """Show the sweep over the dataset's thresholds, or hide it."""


class When(StrEnum):
    """When an action is available: decides where its key is bound, and heads its list."""

    IMAGE = "With an image open"
    POINTING = "With the pointer on a mask; the mouse selects while no painting tool is active"
    ON_LABELS = "While a labels layer is active"
    DATASET = "With a dataset open"
    PROMPTING = "While SAM takes prompts"
    ON_PROMPTS = "While the layer of prompts is active"


@dataclass(frozen=True)
class Action:
    """Something that a person can do in the window.

    Attributes
    ----------
    id : str
        Its name in code.
    title : str
        Its name in the window.
    tooltip : str
        What it does, without its key.
    call : callable, optional
        Does it. None where the mouse or a panel must give a position or a class.
    key : str
        Its key as shown to the user; empty for none.
    window_key : str
        A key that napari's menus have for something else, and that is this action's while an image
        is open.
    mouse : str
        Its gesture as shown to the user; empty for none.
    label : str
        A short title for buttons; the title if left out.
    when : When
        When it is available.
    """

    id: str
    title: str
    tooltip: str
    call: Callable[[Target], object] | None = None
    key: str = ""
    mouse: str = ""
    window_key: str = ""
    label: str = ""
    when: When = When.IMAGE

    @property
    def ways(self) -> list[str]:
        """Its keys and its gesture."""
        return [way for way in (self.key, self.window_key, self.mouse) if way]

    def tip(self, text: str = "") -> str:
        """Return the tooltip, or another text in its place, with the key in parentheses."""
        text = text or self.tooltip
        return f"{text} ({self.key})" if self.key else text


def _view(to: Target) -> View:
    return to.controller.context.view


_ALL = (
    Action("undo", "Undo", "Undo the last step on this image",
           lambda to: to.controller.undo(), "Ctrl+Z"),
    Action("redo", "Redo", "Redo the last undone step",
           lambda to: to.controller.redo(), "Ctrl+Shift+Z"),
    Action("save_copy", "Save a copy…",
           "Save the labels as shown to a file that you choose; the sample keeps its status",
           lambda to: to.controller.save_copy(), "S", window_key="Ctrl+S"),
    Action("accept", "Accept", "Accept the labels: save them, and go to the next sample",
           lambda to: to.controller.accept(), "A"),
    Action("keep_accepted", "Keep the accepted labels",
           "The accepted labels become strokes over what the new inputs give, pixel by pixel",
           lambda to: to.controller.choose_inputs(InputsChoice.KEEP)),
    Action("apply_annotations", "Apply the annotations to the new inputs",
           "Parameters, strokes and what else fits the new inputs; the sample is pending then",
           lambda to: to.controller.choose_inputs(InputsChoice.APPLY)),
    Action("start_over", "Start over", "Drop all annotations; the sample is pending then",
           lambda to: to.controller.choose_inputs(InputsChoice.START_OVER)),
    Action("outlines", "Mask outlines", "Show or hide mask outlines",
           lambda to: to.controller.toggle_outlines(), "O"),
    Action("choose_class", "Choose class…", "Choose the class to paint and select with",
           lambda to: to.controller.ask_class(), "Q"),
    Action("choose_class_here", "Choose class here", "Choose the class under the cursor",
           lambda to: to.controller.pointing.choose_class_here(), "I"),
    Action("lock", "Lock class",
           "Neither SEPL nor strokes of other classes change the pixels of a locked class",
           mouse="tick in the legend", label="lock"),
    Action("superpixels", "Superpixel brush",
           "Drag to paint regions between mask borders; with Alt, to erase them",
           lambda to: to.controller.superpixels.toggle(), "Y"),
    Action("fill_holes", "Fill holes", "Fill holes of the current class up to this many pixels",
           lambda to: to.controller.cleaning.fill_holes(_view(to).correct.pixel_limit)),
    Action("remove_small_regions", "Remove small regions",
           "Remove regions of the current class below this many pixels",
           lambda to: to.controller.cleaning.remove_small_regions(_view(to).correct.pixel_limit)),
    Action("grow", "Grow to masks", "Grow the current class to the mask borders around it",
           lambda to: to.controller.cleaning.grow()),
    Action("cut", "Cut at masks", "Cut the current class at the mask borders inside it",
           lambda to: to.controller.cleaning.cut()),
    Action("reset_class", "Reset class to automatic",
           "Reset all decisions on masks of the current class",
           lambda to: to.controller.pointing.reset_class()),
    Action("reset_image", "Reset image to automatic", "Reset all decisions on masks of the image",
           lambda to: to.controller.pointing.reset_image()),
    Action("defaults", "Reset to paper defaults", "Set the values of the paper's Algorithm 1"),
    Action("masks_and_thresholds", "Masks & thresholds…",
           "Show or hide the threshold plane and the table of masks",
           lambda to: to.show_masks_and_thresholds(), "Shift+W"),
    Action("swap", "Swap", "Show pseudo-labels in place of labels, and back",
           lambda to: to.controller.comparing.swap(), "C"),
    Action("swipe", "Swipe", "Show pseudo-labels left of a divider, labels right of it",
           lambda to: to.controller.comparing.swipe(), "Shift+C"),
    Action("difference", "Difference", "Show how labels differ from the pseudo-labels",
           lambda to: to.controller.comparing.difference(), "Shift+H"),
    Action("errors", "Errors", "Show how labels differ from the ground truth",
           lambda to: to.controller.comparing.errors(), "Shift+E"),
    Action("label_source", "Label source", "Show what gave each pixel its label",
           lambda to: to.controller.comparing.label_source(), "H"),
    Action("heat_map", "Heat map", "Show or hide the scores of the current class",
           lambda to: to.controller.showing.toggle_heat(), "Shift+Q"),
    Action("generate_masks", "Generate masks", "Generate the masks of this image",
           lambda to: to.controller.making.start(_view(to).masks.choice)),
    Action("generate_pending", "Generate for all pending",
           "Generate the masks of all pending samples without masks",
           lambda to: to.controller.making.start_pending(_view(to).masks.choice)),
    Action("cancel", "Cancel", "Stop generating masks", lambda to: to.controller.making.cancel()),
    Action("save_masks", "Save masks…", "Save the masks of this image as JSON",
           lambda to: to.controller.save_masks()),
    Action("shortcuts", "Keyboard and mouse shortcuts", "Show all keys and mouse gestures",
           lambda to: _view(to).show_shortcuts(), label="Shortcuts"),
    Action("queue", "Queue", "Show the queue of the open dataset again",
           lambda to: to.show_queue()),
    Action("select", "Select", "Select the mask for the current class; again: reset to automatic",
           mouse="click", when=When.POINTING),
    Action("reject", "Reject", "Reject the mask; again: reset to automatic",
           lambda to: to.controller.pointing.decide(REJECT), "D", "Alt+click", when=When.POINTING),
    Action("reject_with_parts", "Reject with parts", "Reject the mask and all masks in it",
           lambda to: to.controller.pointing.reject_with_parts(), "Shift+D", when=When.POINTING),
    Action("select_for_class", "Select for class…", "Select the mask for a class of your choice",
           lambda to: to.controller.pointing.select_for_class(), "T", when=When.POINTING),
    Action("select_for_background", "Select for background",
           "Select the mask for background; again: reset to automatic",
           lambda to: to.controller.pointing.decide(0), "8", when=When.POINTING),
    Action("keep_pseudo", "Keep pseudo-labels",
           "Keep the pseudo-labels under the cursor beside the masks of their class",
           lambda to: to.controller.pointing.keep_pseudo(), "9", when=When.POINTING),
    Action("reset_mask", "Reset to automatic", "Reset the decision on the mask",
           lambda to: to.controller.pointing.reset(), "U", when=When.POINTING),
    Action("lasso_select", "Select with lasso",
           "Select the masks inside a lasso for the current class; a straight line draws a box",
           mouse="Shift+drag", when=When.POINTING),
    Action("lasso_reject", "Reject with lasso", "Reject the masks inside a lasso or box",
           mouse="Ctrl+Shift+drag", when=When.POINTING),
    Action("walk", "Walk through levels", "Point at a larger or smaller mask here",
           mouse="Shift+wheel", when=When.POINTING),
    Action("to_part", "Part", "Point at a smaller mask here; while painting, shrink the brush",
           lambda to: to.mouse.step(-1), "[", when=When.ON_LABELS),
    Action("to_whole", "Whole", "Point at a larger mask here; while painting, enlarge the brush",
           lambda to: to.mouse.step(1), "]", when=When.ON_LABELS),
    Action("previous", "Previous sample", "Go to the previous sample of the list",
           lambda to: to.dataset.navigator.previous(), "K", label="◀", when=When.DATASET),
    Action("next", "Next sample", "Go to the next sample of the list",
           lambda to: to.dataset.navigator.next(), "J", label="▶", when=When.DATASET),
    Action("next_pending", "Next pending sample", "Go to the next pending sample",
           lambda to: to.dataset.navigator.next_pending(), "N", label="▶ pending",
           when=When.DATASET),
    Action("worst_pending", "Worst pending sample",
           "Go to the pending sample with the highest suspicion",
           lambda to: to.dataset.navigator.worst_pending(), "Shift+N", label="Worst",
           when=When.DATASET),
    Action("skip", "Skip", "Skip this sample, and go to the next",
           lambda to: to.dataset.navigator.skip(), "W", when=When.DATASET),
    Action("flag", "Flag", "Flag this sample for another annotator, and go to the next",
           lambda to: to.dataset.navigator.flag(), "G", when=When.DATASET),
    Action("reopen", "Reopen", "Make this sample pending again",
           lambda to: to.dataset.navigator.reopen(), "R", when=When.DATASET),
    Action("accept_unchanged", "Accept if little changes…",
           "Accept and save the selected or listed samples that change by at most a percentage",
           lambda to: to.dataset.accept_unchanged(), when=When.DATASET),
    Action("apply_params", "Set these thresholds…",
           "Set the current thresholds of the selected or listed samples",
           lambda to: to.dataset.apply_params(), when=When.DATASET),
    Action("skip_many", "Skip…", "Skip the selected or listed samples",
           lambda to: to.dataset.set_statuses(Status.SKIPPED), when=When.DATASET),
    Action("flag_many", "Flag…", "Flag the selected or listed samples for another annotator",
           lambda to: to.dataset.set_statuses(Status.FLAGGED), when=When.DATASET),
    Action("reopen_many", "Make pending…", "Make the selected or listed samples pending again",
           lambda to: to.dataset.set_statuses(Status.PENDING), when=When.DATASET),
    Action("undo_bulk", "Undo last bulk action",
           "Undo the last action on several samples, then the one before",
           lambda to: to.dataset.undo_bulk(), when=When.DATASET),
    Action("stop_bulk", "Stop", "Stop the action on several samples",
           lambda to: to.dataset.stop_bulk(), when=When.DATASET),
    Action("sweep", "Sweep…", "Show how well each pair of thresholds does on the dataset",
           lambda to: to.show_sweep(), when=When.DATASET),
    Action("refresh", "Refresh", "Look for files that appeared, vanished or changed",
           lambda to: to.dataset.refresh(), when=When.DATASET),
    Action("export_dataset", "Export dataset…",
           "Export the labels in a format for training or other tools",
           lambda to: to.dataset.export(), label="Export…", when=When.DATASET),
    Action("prompt", "Prompt SAM", "Turn on or off: make masks from points and boxes on the image",
           lambda to: to.controller.prompting.toggle(), "Shift+P"),
    Action("refine", "Refine with SAM", "Refine the outline of the current class with SAM",
           lambda to: to.controller.prompting.refine(), "Shift+S", when=When.PROMPTING),
    Action("add_mask", "Add mask", "Add SAM's mask, selected for the current class",
           lambda to: to.controller.prompting.add_mask(), "Enter", when=When.ON_PROMPTS),
    Action("remove_prompts", "Remove prompts", "Remove all prompts",
           lambda to: to.controller.prompting.remove_prompts(), "Escape", when=When.ON_PROMPTS),
    Action("remove_last_prompt", "Remove last prompt", "Remove the last prompt",
           lambda to: to.controller.prompting.remove_last(), "Backspace", when=When.ON_PROMPTS),
    Action("point_on", "Point on the object", "Include this place in SAM's mask",
           mouse="click", when=When.ON_PROMPTS),
    Action("point_off", "Point beside the object", "Exclude this place from SAM's mask",
           mouse="Alt+click", when=When.ON_PROMPTS),
    Action("box", "Box around the object", "Let SAM find the object inside a box",
           mouse="Shift+drag", when=When.ON_PROMPTS),
)  # fmt: skip

ACTIONS = {action.id: action for action in _ALL}


class ActionButton(QPushButton):
    """A button with the title and the tooltip of an action."""

    def __init__(self, name: str) -> None:
        self.action = ACTIONS[name]
        text = self.action.label or self.action.title
        super().__init__(text.replace("&", "&&"))  # one alone marks a letter of the keyboard
        self.setToolTip(self.action.tip())


def connect_buttons(panel: QWidget, do: Callable[[str], None]) -> None:
    """Connect each action button of a panel that has a callback."""
    for button in panel.findChildren(ActionButton):
        if button.action.call is not None:
            button.clicked.connect(partial(press, do, button.action.id))


def press(do: Callable[[str], None], name: str, _: bool = False) -> None:
    """Do an action; the last argument is the state that Qt passes."""
    do(name)


def describe_shortcuts() -> str:
    """Return a table of all keys and gestures and what they do, as HTML."""
    rows = []
    for when in When:
        rows.append(f"<tr><td colspan='2'><br><b>{when}</b></td></tr>")
        rows += [
            f"<tr><td><b>{' / '.join(one.ways)}</b>&nbsp;&nbsp;</td><td>{one.tooltip}</td></tr>"
            for one in ACTIONS.values()
            if one.when is when and one.ways
        ]
    return f"<table width='100%'>{''.join(rows)}</table>"
