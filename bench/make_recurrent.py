#!/usr/bin/env python3
"""Writes a recurrent model of a known size with random weights (standard library and shared/peer only).

  make_recurrent.py mamba-130m|mamba2-130m OUT.gguf SHARED [--type f16|f32]     for Decant and llama.cpp
  make_recurrent.py rwkv-169m OUT_FOLDER SHARED [--type f16|f32]                a Hugging Face folder: GGUF has no RWKV-4

The same arguments give the same bytes. Weights are normal with mean 0 and 1/sqrt(inputs), less by sqrt(2 * layers) where they write to the residual stream;
rates of decay and time steps lie in the range that trained models start from, so that activations and states stay finite.
"""
import argparse
import array
import json
import math
import os
import random
import struct
import sys

POOL = 1_048_573  # a prime: rows of a matrix never repeat in step with it
HIDDEN, LAYERS, VOCABULARY = 768, 24, 50280


class Numbers:
    """Random numbers, drawn once and read from random places."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.normal = array.array("d", (self.random.gauss(0.0, 1.0) for _ in range(POOL)))
        self.pools = {}

    def normals(self, count, deviation, letter):
        if (deviation, letter) not in self.pools:
            self.pools[deviation, letter] = memoryview(struct.pack("<%d%s" % (POOL, letter), *(x * deviation for x in self.normal)))
        source, item = self.pools[deviation, letter], struct.calcsize(letter)
        while count:
            at = self.random.randrange(POOL)
            n = min(count, POOL - at)
            yield source[at * item:(at + n) * item]
            count -= n

    def uniform(self, count, least, largest, letter="f"):
        return struct.pack("<%d%s" % (count, letter), *(self.random.uniform(least, largest) for _ in range(count)))


def make_mamba(shape, out, shared, f16, numbers):
    sys.path.insert(0, os.path.join(shared, "peer"))
    from gguf_write import BOOL, F32, I32, STR, TYPE_F16, TYPE_F32, U32, Writer, kv, kv_array
    from make_gguf import vocabulary
    second = shape.startswith("mamba2")
    family = "mamba2" if second else "mamba"
    inner, state, heads, rank = 2 * HIDDEN, 128 if second else 16, 24, HIDDEN // 16
    pieces, scores, types = vocabulary(VOCABULARY)
    matrix = TYPE_F16 if f16 else TYPE_F32
    metadata = [
        kv("general.architecture", STR, family),
        kv("general.name", STR, shape),
        kv("general.file_type", U32, 1 if f16 else 0),
        kv(family + ".context_length", U32, 1048576),
        kv(family + ".embedding_length", U32, HIDDEN),
        kv(family + ".feed_forward_length", U32, 0),
        kv(family + ".attention.head_count", U32, 0),
        kv(family + ".block_count", U32, LAYERS),
        kv(family + ".ssm.conv_kernel", U32, 4),
        kv(family + ".ssm.inner_size", U32, inner),
        kv(family + ".ssm.state_size", U32, state),
        kv(family + ".ssm.time_step_rank", U32, heads if second else rank),
        kv(family + ".attention.layer_norm_rms_epsilon", F32, 1e-5),
        kv("tokenizer.ggml.model", STR, "llama"),
        kv("tokenizer.ggml.pre", STR, "default"),
        kv_array("tokenizer.ggml.tokens", STR, pieces),
        kv_array("tokenizer.ggml.scores", F32, scores),
        kv_array("tokenizer.ggml.token_type", I32, types),
        kv("tokenizer.ggml.bos_token_id", U32, 1),
        kv("tokenizer.ggml.eos_token_id", U32, 2),
        kv("tokenizer.ggml.unknown_token_id", U32, 0),
        kv("tokenizer.ggml.add_bos_token", BOOL, True),
    ]
    if second:
        metadata.append(kv("mamba2.ssm.group_count", U32, 1))
    writer = Writer(metadata)
    writer.add("token_embd.weight", (HIDDEN, VOCABULARY), matrix)
    for layer in range(LAYERS):
        block = "blk.%d." % layer
        convolved = inner + 2 * state if second else inner
        writer.add(block + "attn_norm.weight", (HIDDEN,), TYPE_F32)
        writer.add(block + "ssm_in.weight", (HIDDEN, inner + convolved + heads if second else 2 * inner), matrix)
        writer.add(block + "ssm_conv1d.weight", (4, convolved), TYPE_F32)
        writer.add(block + "ssm_conv1d.bias", (convolved,), TYPE_F32)
        if second:
            writer.add(block + "ssm_dt.bias", (heads,), TYPE_F32)
            writer.add(block + "ssm_a", (1, heads), TYPE_F32)
            writer.add(block + "ssm_d", (1, heads), TYPE_F32)
            writer.add(block + "ssm_norm.weight", (inner, 1), TYPE_F32)
        else:
            writer.add(block + "ssm_x.weight", (inner, rank + 2 * state), matrix)
            writer.add(block + "ssm_dt.weight", (rank, inner), matrix)
            writer.add(block + "ssm_dt.bias", (inner,), TYPE_F32)
            writer.add(block + "ssm_a", (state, inner), TYPE_F32)
            writer.add(block + "ssm_d", (inner,), TYPE_F32)
        writer.add(block + "ssm_out.weight", (inner, HIDDEN), matrix)
    writer.add("output_norm.weight", (HIDDEN,), TYPE_F32)

    def data_of(name, ne, ggml_type, size):
        count = math.prod(ne)
        if name.endswith("ssm_a"):
            yield numbers.uniform(count, -16, -1)
        elif name.endswith("ssm_dt.bias"):
            yield numbers.uniform(count, -6.9, -2.3)
        elif "norm" in name or name.endswith("ssm_d"):
            yield struct.pack("<%df" % count, *([1.0] * count))
        else:
            deviation = 0.02 if "token_embd" in name else 0.1 if name.endswith("bias") else 1 / math.sqrt(ne[0])
            yield from numbers.normals(count, deviation / math.sqrt(2 * LAYERS) if "ssm_out" in name else deviation, "e" if ggml_type == TYPE_F16 else "f")

    writer.write(out, data_of)


def make_rwkv(out, f16, numbers):
    letter, kind, width = ("e", "F16", 4 * HIDDEN) if f16 else ("f", "F32", 4 * HIDDEN)
    tensors = {"rwkv.embeddings.weight": (VOCABULARY, HIDDEN), "head.weight": (VOCABULARY, HIDDEN)}
    for norm in ["rwkv.blocks.0.pre_ln", "rwkv.ln_out"] + ["rwkv.blocks.%d.ln%d" % (layer, i) for layer in range(LAYERS // 2) for i in (1, 2)]:
        tensors[norm + ".weight"] = tensors[norm + ".bias"] = (HIDDEN,)
    for layer in range(LAYERS // 2):
        block = "rwkv.blocks.%d." % layer
        for name in ("attention.time_decay", "attention.time_first"):
            tensors[block + name] = (HIDDEN,)
        for name in ("attention.time_mix_key", "attention.time_mix_value", "attention.time_mix_receptance", "feed_forward.time_mix_key", "feed_forward.time_mix_receptance"):
            tensors[block + name] = (1, 1, HIDDEN)
        for name in ("attention.key", "attention.value", "attention.receptance", "attention.output", "feed_forward.receptance"):
            tensors[block + name + ".weight"] = (HIDDEN, HIDDEN)
        tensors[block + "feed_forward.key.weight"] = (width, HIDDEN)
        tensors[block + "feed_forward.value.weight"] = (HIDDEN, width)
    os.makedirs(out, exist_ok=True)
    header, place, item = {}, 0, struct.calcsize(letter)
    for name, shape in tensors.items():
        size = math.prod(shape) * item
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header).encode()
    with open(os.path.join(out, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors.items():
            count = math.prod(shape)
            if "time_mix" in name:
                file.write(numbers.uniform(count, 0, 1, letter))
            elif "time_decay" in name:
                file.write(numbers.uniform(count, -5, 1, letter))
            elif len(shape) == 1:
                file.write(struct.pack("<%d%s" % (count, letter), *([float(name.endswith("weight"))] * count)))
            else:
                deviation = 1 / math.sqrt(shape[-1])
                scale = 1 / math.sqrt(LAYERS) if name.endswith(("output.weight", "feed_forward.value.weight")) else 1
                file.writelines(numbers.normals(count, deviation * scale, letter))
    with open(os.path.join(out, "config.json"), "w") as file:
        json.dump({
            "architectures": ["RwkvForCausalLM"], "model_type": "rwkv", "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS // 2,
            "attention_hidden_size": HIDDEN, "intermediate_size": width, "context_length": 1024, "layer_norm_epsilon": 1e-5, "rescale_every": 6,
            "tie_word_embeddings": False,
        }, file)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("shape", choices=("mamba-130m", "mamba2-130m", "rwkv-169m"))
    arguments.add_argument("out")
    arguments.add_argument("shared")
    arguments.add_argument("--type", choices=("f16", "f32"), default="f16")
    options = arguments.parse_args()
    if options.shape == "rwkv-169m":
        make_rwkv(options.out, options.type == "f16", Numbers(1))
    else:
        make_mamba(options.shape, options.out, options.shared, options.type == "f16", Numbers(1))


if __name__ == "__main__":
    main()
