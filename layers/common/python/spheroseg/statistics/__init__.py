"""Statistics of measures: description, comparison, growth, dose response, quality of plates.

Pure: numbers in, an ``Answer`` out. Tests and distributions are scipy's; what is ours is which rows count as one
observation, and when a figure may not be given.
"""
