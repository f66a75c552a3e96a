"""Tiny ONNX models of the interface of click models: a click makes a disc, one beside the object takes a disc away."""

import numpy as np
from onnx import TensorProto, helper, save

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
SIDE = 64
RADIUS = 8
"""Pixels of the photo."""


def saved(path, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, list(constants))
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def encoder(path, shape=(1, 3, SIDE, SIDE), kind=FLOAT, rank=4):
    """An encoder whose embedding is the picture itself."""
    target = list(shape) if rank == 4 else [1, -1]
    nodes = [helper.make_node("Identity" if rank == 4 else "Flatten", ["picture"], ["image_embeddings"])]
    return saved(path, nodes, [value("picture", list(shape), kind)], [value("image_embeddings", target, kind)])


def decoder(path, size=(40, 80), leave_out=(), extra=(), masks=2):
    """A decoder for photos of one size that answers discs round the points, less those round points beside the object.

    The first of its masks is the one that it is surest of; the others are the rest of the photo.
    """
    shapes = {
        "image_embeddings": [1, 3, SIDE, SIDE], "point_coords": [1, "n", 2], "point_labels": [1, "n"],
        "mask_input": [1, 1, 16, 16], "has_mask_input": [1], "orig_im_size": [2],
    }  # fmt: skip
    shapes = {name: shape for name, shape in shapes.items() if name not in leave_out}
    shapes |= {name: [1] for name in extra}
    inputs = [value(name, shape) for name, shape in shapes.items()]
    outputs = [value("masks", [1, masks, *size]), value("iou_predictions", [1, masks])]
    return saved(path, _nodes(masks), inputs, outputs, _constants(size, masks))


def _constants(size, masks):
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    signs = [0.0, -1.0, 1.0, 1.0, 0.0]  # of the labels -1 (filling), 0 (beside), 1 (on), 2 and 3 (corners of a box)
    return [
        helper.make_tensor("grid", FLOAT, [*size, 2], np.stack([columns, rows], -1).ravel()),
        helper.make_tensor("scale", FLOAT, [1], [max(size) / SIDE]),
        helper.make_tensor("apart_shape", INT64, [4], [-1, 1, 1, 2]),
        helper.make_tensor("label_shape", INT64, [3], [-1, 1, 1]),
        helper.make_tensor("one", FLOAT, [1], [1.0]),
        helper.make_tensor("signs", FLOAT, [len(signs)], signs),
        helper.make_tensor("radius", FLOAT, [1], [float(RADIUS**2)]),
        helper.make_tensor("first", INT64, [1], [0]),
        helper.make_tensor("last", INT64, [1], [3]),
        helper.make_tensor("shape", INT64, [4], [1, 1, *size]),
        helper.make_tensor("minus", FLOAT, [1], [-1.0]),
        helper.make_tensor("iou", FLOAT, [1, masks], [0.9, *[0.1] * (masks - 1)]),
    ]


def _nodes(masks):
    node = helper.make_node
    return [
        node("Mul", ["point_coords", "scale"], ["in_photo"]),
        node("Reshape", ["in_photo", "apart_shape"], ["points"]),
        node("Sub", ["grid", "points"], ["apart"]),
        node("Mul", ["apart", "apart"], ["squared"]),
        node("ReduceSum", ["squared", "last"], ["distance"], keepdims=0),
        node("Sub", ["radius", "distance"], ["deep"]),
        node("Relu", ["deep"], ["discs"]),
        node("Add", ["point_labels", "one"], ["shifted"]),
        node("Cast", ["shifted"], ["places"], to=INT64),
        node("Gather", ["signs", "places"], ["signed"]),
        node("Reshape", ["signed", "label_shape"], ["weights"]),
        node("Mul", ["discs", "weights"], ["weighted"]),
        node("ReduceSum", ["weighted", "first"], ["inside"], keepdims=0),
        node("Reshape", ["inside", "shape"], ["disc"]),
        node("Mul", ["disc", "minus"], ["rest"]),
        node("Concat", ["disc", *["rest"] * (masks - 1)], ["masks"], axis=1),
        node("Identity", ["iou"], ["iou_predictions"]),
    ]
