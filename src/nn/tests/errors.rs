//! Networks that cannot be: the message names the layer, what it got and what it needs.

use super::network::{average_pool, batch_norm, conv, dropout, image, leaky, linear, max_pool, residual};
use crate::nn::model::{Network, Shape};
use crate::stream::{Convention, LayerConfig};

fn refusal(input: Shape, layers: &[LayerConfig]) -> String {
    match Network::new(input, layers, Convention::Torch) {
        Ok(_) => panic!("{layers:?} on {input} was taken"),
        Err(error) => {
            let error = error.to_string();
            assert!(!error.contains('\n'), "{error}");
            error
        }
    }
}

fn named(layer: LayerConfig, its: &str) -> LayerConfig {
    let its = || Some(its.to_owned());
    match layer {
        LayerConfig::Linear { out, .. } => LayerConfig::Linear { name: its(), out },
        LayerConfig::Conv2d { out, kernel, stride, pad, .. } => {
            LayerConfig::Conv2d { name: its(), out, kernel, stride, pad }
        }
        other => other,
    }
}

#[test]
fn a_number_out_of_its_range_is_named_with_its_layer() {
    let input = image(2, 6, 5);
    for (layer, wanted) in [
        (linear(0), "layer fc1: out must be from 1 to 65536, got 0"),
        (linear(usize::MAX), "layer fc1: out must be from 1 to 65536, got 18446744073709551615"),
        (conv(0, 3, 1, 1), "layer conv1: out must be from 1 to 65536, got 0"),
        (named(conv(4, 0, 1, 0), "stem"), "layer stem: kernel must be from 1 to 4096, got 0"),
        (conv(4, 3, 0, 1), "layer conv1: stride must be from 1 to 4096, got 0"),
        (conv(4, usize::MAX, 1, 0), "layer conv1: kernel must be from 1 to 4096, got 18446744073709551615"),
        (conv(4, 3, 1, usize::MAX), "layer conv1: pad must be from 0 to 4096, got 18446744073709551615"),
        (conv(4, 3, 1, 3), "layer conv1: pad must be less than the kernel's side, 3, got 3"),
        (max_pool(0, 1, 0), "layer maxpool2d: kernel must be from 1 to 4096, got 0"),
        (max_pool(2, 0, 0), "layer maxpool2d: stride must be from 1 to 4096, got 0"),
        (max_pool(3, 1, 2), "layer maxpool2d: pad must be at most 1, half of the kernel, got 2"),
        (average_pool(2, usize::MAX, 0), "layer avgpool2d: stride must be from 1 to 4096, got 18446744073709551615"),
        (dropout(1.0), "layer dropout: p must be at least 0 and below 1, got 1"),
        (dropout(-0.1), "layer dropout: p must be at least 0 and below 1, got -0.1"),
        (dropout(f64::NAN), "layer dropout: p must be at least 0 and below 1, got NaN"),
        (leaky(-1.0), "layer leaky_relu: slope must be a finite number of at least 0, got -1"),
        (leaky(f64::INFINITY), "layer leaky_relu: slope must be a finite number of at least 0, got inf"),
        (
            LayerConfig::Batchnorm { name: None, eps: Some(0.0), momentum: 0.1 },
            "layer bn1: eps must be positive and finite, got 0",
        ),
        (
            LayerConfig::Batchnorm { name: None, eps: None, momentum: 1.5 },
            "layer bn1: momentum must be a share from 0 to 1, got 1.5",
        ),
        (
            LayerConfig::Layernorm { name: None, eps: Some(f64::NAN) },
            "layer ln1: eps must be positive and finite, got NaN",
        ),
    ] {
        assert_eq!(refusal(input, &[layer, linear(3)]), wanted);
    }
}

#[test]
fn a_layer_that_does_not_fit_says_what_it_got_and_needs() {
    let row = Shape::row(10);
    for (input, layers, wanted) in [
        (
            image(2, 3, 5),
            vec![conv(4, 5, 1, 0)],
            "layer conv1 gets an image of 2x3x5 (channels x height x width), but needs one of at least 5x5 for its kernel",
        ),
        (
            image(2, 3, 5),
            vec![conv(4, 5, 1, 1), named(conv(4, 4, 1, 0), "deep")],
            "layer deep gets an image of 4x1x3 (channels x height x width), but needs one of at least 4x4 for its kernel",
        ),
        (
            row,
            vec![max_pool(2, 2, 0), linear(3)],
            "layer maxpool2d gets an image of 10x1x1 (channels x height x width), but needs one of at least 2x2 for its \
             kernel",
        ),
        (
            row,
            vec![linear(4), average_pool(3, 1, 0)],
            "layer avgpool2d gets an image of 4x1x1 (channels x height x width), but needs one of at least 3x3 for its \
             kernel",
        ),
        (
            row,
            vec![residual(vec![linear(9)])],
            "layer residual gets 9 from the layers within, but needs 10, the shape of its input, from at least one layer",
        ),
        (
            image(2, 4, 4),
            vec![residual(vec![conv(2, 3, 1, 0)])],
            "layer residual gets 2x2x2 from the layers within, but needs 2x4x4, the shape of its input, from at least one \
             layer",
        ),
        (
            image(2, 4, 4),
            vec![residual(vec![LayerConfig::Flatten]), linear(2)],
            "layer residual gets 32 from the layers within, but needs 2x4x4, the shape of its input, from at least one \
             layer",
        ),
        (
            row,
            vec![linear(4), residual(vec![])],
            "layer residual gets 4 from the layers within, but needs 4, the shape of its input, from at least one layer",
        ),
    ] {
        assert_eq!(refusal(input, &layers), wanted);
    }
}

#[test]
fn a_network_has_weights_and_its_layers_names_of_their_own() {
    for layers in [vec![], vec![LayerConfig::Relu], vec![dropout(0.1), LayerConfig::GlobalAvgpool]] {
        assert_eq!(refusal(image(1, 2, 2), &layers), "the network has no layer with weights");
    }
    let twice = [named(linear(3), "body"), batch_norm(), named(linear(3), "body")];
    assert_eq!(refusal(Shape::row(2), &twice), "two layers are called body");
    // A given name may be the one that another layer would have got.
    assert_eq!(refusal(Shape::row(2), &[named(linear(3), "fc2"), linear(3)]), "two layers are called fc2");
}

/// No size, however absurd, makes a product of sizes overflow.
#[test]
fn sizes_that_cannot_be_meant_are_refused_before_anything_is_made() {
    let most = usize::MAX;
    for input in
        [Shape::row(most), image(most, 3, 3), image(1, most, most), image(most, most, most), Shape::row(1 << 40)]
    {
        let error = refusal(input, &[linear(65536)]);
        assert!(error.starts_with("the input of") && error.contains("values, there can be from 1 to"), "{error}");
    }
    for input in [Shape::row(0), image(0, 3, 3), image(3, 0, 3), image(3, 3, 0)] {
        assert!(refusal(input, &[linear(2)]).contains("has 0 values, there can be from 1 to 16777216"), "{input}");
    }
    assert_eq!(
        refusal(image(1, 28, 28), &[conv(65536, 3, 1, 1), linear(2)]),
        "the output of layer conv1 of 65536x28x28 (channels x height x width) has 51380224 values, there can be from 1 to \
         16777216"
    );
    let error = refusal(Shape::row(65536), &[linear(65536)]);
    assert_eq!(error, "layer fc1: with it the network has 4294967296 parameters, there can be at most 134217728");
    // A kernel as large as that meets the image at more places than anyone waits for.
    let error = refusal(image(1, 28, 28), &[conv(1, 2000, 1, 1999)]);
    assert_eq!(
        error,
        "layer conv1 takes 16434916000000 multiply-adds for each sample, there can be at most 68719476736"
    );
}

#[test]
fn strings_have_the_errors_of_their_layers() {
    let parse = |model: &str, input: Option<Shape>| {
        Network::parse_for(model, input, Convention::Torch).unwrap_err().to_string()
    };
    let images = Some(image(3, 8, 8));
    for (model, input, part) in [
        ("cnn:c4-p-f10", None, "a cnn needs data of images"),
        ("cnn:c4-p-p-p-p-f10", images, "layer maxpool2d gets an image of 4x1x1"),
        ("cnn:c0-f10", images, "sizes must be from 1 to 65536, got `0`"),
        ("cnn:c-f10", images, "sizes must be from 1 to 65536, got ``"),
        ("cnn:", images, "not ``"),
        ("cnn:p", images, "the network has no layer with weights"),
        ("cnn:ä4-f10", images, "not `ä4`"),
        ("cnn:c4-f10,dropout=-0.1", images, "dropout must be at least 0 and below 1, got -0.1"),
        ("cnn:c4-f10,dropout=NaN", images, "dropout must be at least 0 and below 1, got NaN"),
        ("mlp:3-18446744073709551616", None, "got `18446744073709551616`"),
        ("mlp:65536-65536-10", None, "layer fc1: with it the network has 4294967296 parameters"),
        ("mlp:3-3,act=", None, "act must be relu"),
        ("mlp:3-3,,", None, "option `` has no ="),
    ] {
        let error = parse(model, input);
        assert!(error.contains(part) && !error.contains('\n'), "{model}: {error}");
    }
    // A string of rows says its own inputs: images of as many values are taken as rows.
    let network = Network::parse_for("mlp:192-10", images, Convention::Torch).unwrap();
    assert_eq!(network.input(), Shape::row(192));
}

#[test]
fn conventions_differ_in_eps_alone() {
    let layers = [linear(3), batch_norm()];
    let [torch, chainer] =
        [Convention::Torch, Convention::Chainer].map(|of| Network::new(Shape::row(2), &layers, of).unwrap());
    assert_ne!(torch, chainer);
    let given = [linear(3), LayerConfig::Batchnorm { name: None, eps: Some(1e-3), momentum: 0.1 }];
    let [torch, chainer] =
        [Convention::Torch, Convention::Chainer].map(|of| Network::new(Shape::row(2), &given, of).unwrap());
    assert_eq!(torch, chainer);
}
