"""Measurements against known truth: data sets, metrics, runs.

sample     the sample folder's queries, checked and compared with truth.json
edits      known edits of many kinds, each pixel traced to its place in the original
photos     the photos queries are made of, each picture once
queries    edited copies and strangers, made of a folder of photos
metrics    recall, average precision and calibration from plain arrays
retrieval  queries checked against a trusted folder; tables and plots show its figures, contact its mistakes
captions   captions of changes against what people said of them
"""
