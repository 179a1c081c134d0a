/* The umbrella header of libtdagger: include this, or just the topics you need. */
#ifndef TDAGGER_H
#define TDAGGER_H

#include <tdagger/axis.h>
#include <tdagger/compare.h>
#include <tdagger/compose.h>
#include <tdagger/control.h>
#include <tdagger/coreml.h>
#include <tdagger/count.h>
#include <tdagger/file.h>
#include <tdagger/graph.h>
#include <tdagger/model.h>
#include <tdagger/open.h>
#include <tdagger/ops.h>
#include <tdagger/program.h>
#include <tdagger/pt2.h>
#include <tdagger/run.h>
#include <tdagger/simplify.h>
#include <tdagger/status.h>
#include <tdagger/symbol.h>
#include <tdagger/tensor.h>
#include <tdagger/torch.h>
#include <tdagger/version.h>

#endif
