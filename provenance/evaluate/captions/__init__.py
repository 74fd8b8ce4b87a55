"""Captions of changes against what people said: files, metrics, baselines, tables.

pairs         captions in files -> pairs with what people said, answers by id
answers       a system's answers beside people's captions
tokens        captions -> words, as COCO's evaluation counts them
metrics       the registry; BLEU, ROUGE-L, CIDEr-D        java_metrics  METEOR, SPICE        bertscore
direction     added or removed, brighter or darker: which way a caption says it
unchanged     whether a caption says that nothing was changed
categories    background, text, local object, image style, read from captions
baselines     the rows that any system must beat
scores        figures as sums over pairs; intervals and paired tests
evaluation    rows x subsets x metrics
tables        Markdown, CSV, LaTeX, JSON
datasets      folders in their published layouts -> pairs
running       a captioner over a data set, resumable        store  its answers on disk, by content
human         people rate captions: a page, their ratings, means and agreement
"""
