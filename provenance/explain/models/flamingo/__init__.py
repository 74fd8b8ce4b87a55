"""OpenFlamingo, written anew so that its published checkpoints run with today's libraries.

layers       perceiver resampler and gated cross-attention, named as in the published checkpoints
language     MPT, the language model of OpenFlamingo 3B and 9B, with cross-attention between its blocks
checkpoint   folders and published names -> weights
captioner    questions -> interleaved pictures and text -> answers
"""
