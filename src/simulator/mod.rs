//! A local rugs.fun that plays provably fair games with the real packet shapes.
