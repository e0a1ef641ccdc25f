"""Results to and from the files of other programs: one module for each format, streamed, without a service.

``formats`` lists what can be written and read; docs/formats.md says how exactly each format keeps an outline.
"""
