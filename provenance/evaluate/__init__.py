"""Measurements against known truth: data sets, metrics, runs.

sample     the sample folder's queries, checked and compared with truth.json
"""
