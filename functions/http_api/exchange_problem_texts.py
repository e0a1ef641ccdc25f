"""What clients are told about errors of exports and imports: what they mean, why they happen, how to mend them."""

OF_EXCHANGE: dict[str, tuple[str, str, str]] = {
    "export-not-found": (
        "No such export",
        "There is no export of that id, or somebody else asked for it; the two look alike on purpose.",
        "List your exports of a project with GET /v1/projects/{project_id}/exports.",
    ),
    "export-expired": (
        "File is gone",
        "An export's file is kept for a day after it was made.",
        "Ask for a new export.",
    ),
    "too-many-exports": (
        "Too many exports",
        "You have five exports that are not finished.",
        "Wait until one of them is, or cancel one.",
    ),
    "nothing-to-export": (
        "Nothing to export",
        "None of the chosen images has a segmentation that succeeded, or that somebody accepted where that is asked.",
        "Segment them first; see the project's progress with GET /v1/projects/{project_id}/runs/progress.",
    ),
    "import-not-found": (
        "No such import",
        "There is no import of that id, or somebody else asked for it; the two look alike on purpose.",
        "List your imports into a project with GET /v1/projects/{project_id}/imports.",
    ),
    "import-expired": (
        "File came too late",
        "The file of an import is awaited for an hour.",
        "Ask for another import, and post the file to its form.",
    ),
    "too-many-imports": (
        "Too many imports",
        "You have twenty imports that are not finished, or whose file has not come.",
        "Wait until one of them is; what no file came for ends after an hour.",
    ),
    "file-missing": (
        "File has not arrived",
        "The file that is to be imported is not there.",
        "Post it to the form that came with the import, then start the import.",
    ),
    "import-file-too-large": (
        "Too large to import",
        "The file has more bytes, outlines or pixels than are read at once.",
        "The detail tells the limit. Import the file in parts.",
    ),
    "nothing-to-import": (
        "Nothing to import",
        "The file tells of no image, or of none that is called as one of the project.",
        "Name the images as the project does, or give the image's id with a file about one image.",
    ),
    "ambiguous-name": (
        "Name of several images",
        "Several images may be meant by a name in the file, or several of its images are the same one.",
        "Give the image's id with a file about one image, or rename the images.",
    ),
    "different-sizes": (
        "Another size",
        "The file says another width and height than the image has, so its outlines are of other pixels.",
        "Import outlines that were drawn on the image as it was uploaded.",
    ),
}
"""Each code with its title, cause and mend."""
