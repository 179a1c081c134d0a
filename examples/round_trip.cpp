// A test harness in C++: imports a TorchScript model, writes it as TorchScript again,
// imports what was written, and compares what both compute on the same random inputs.
// round_trip MODEL.pt OUT.pt INPUT... ; an input is like f32[1,3,224,224]
#include <cmath>
#include <cstdio>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <tdagger.h>

namespace
{

struct Free {
    void operator()(tdag_ctx *p) const { tdag_ctx_free(p); }
    void operator()(tdag_model *p) const { tdag_model_free(p); }
    void operator()(tdag_tensor *p) const { tdag_tensor_free(p); }
};
template <class T> using Owned = std::unique_ptr<T, Free>;

class Library
{
  public:
    Library()
    {
        tdag_ctx *ctx = nullptr;
        if (tdag_ctx_create(nullptr, &ctx) != TDAG_OK) throw std::bad_alloc();
        ctx_.reset(ctx);
    }
    tdag_ctx *get() const { return ctx_.get(); }
    void check(tdag_status status) const
    {
        if (status != TDAG_OK)
            throw std::runtime_error(tdag_ctx_get_error(ctx_.get())->message);
    }

  private:
    Owned<tdag_ctx> ctx_;
};

// The text that a spec's names point into lives as long as this.
class Inputs
{
  public:
    Inputs(const Library &library, int n, char **texts) : library_(library)
    {
        for (int i = 0; i < n; i++) {
            tdag_input_spec spec{};
            char *storage = nullptr;
            library.check(
                tdag_input_spec_parse(library.get(), texts[i], &spec, &storage));
            storage_.push_back(storage);
            specs.push_back(spec);
        }
    }
    Inputs(const Inputs &) = delete;
    Inputs &operator=(const Inputs &) = delete;
    ~Inputs()
    {
        for (char *text : storage_)
            tdag_text_free(library_.get(), text);
    }
    std::vector<tdag_input_spec> specs;

  private:
    const Library &library_;
    std::vector<char *> storage_;
};

Owned<tdag_model> import(const Library &library, const char *path, const Inputs &inputs)
{
    tdag_model *model = nullptr;
    library.check(tdag_from_torchscript(library.get(), path, inputs.specs.data(),
                                        static_cast<uint32_t>(inputs.specs.size()),
                                        nullptr, &model));
    return Owned<tdag_model>(model);
}

Owned<tdag_tensor> random_tensor(const Library &library, const tdag_input_spec &spec)
{
    if (spec.dtype != TDAG_F32)
        throw std::runtime_error("this example makes f32 inputs");
    static std::mt19937 generator(1);
    std::normal_distribution<float> normal;
    tdag_tensor *tensor = nullptr;
    library.check(
        tdag_tensor_create(library.get(), spec.dtype, spec.rank, spec.shape, &tensor));
    auto *data = static_cast<float *>(tdag_tensor_get_mutable_data(tensor));
    for (int64_t i = 0; i < tdag_tensor_get_count(tensor); i++)
        data[i] = normal(generator);
    return Owned<tdag_tensor>(tensor);
}

std::vector<Owned<tdag_tensor>> run(const Library &library, const tdag_model *model,
                                    const std::vector<tdag_tensor *> &inputs)
{
    const uint32_t n = tdag_graph_get_n_outputs(tdag_model_get_graph(model));
    std::vector<tdag_tensor *> raw(n, nullptr);
    library.check(tdag_run(library.get(), model, inputs.data(),
                           static_cast<uint32_t>(inputs.size()), nullptr, raw.data()));
    std::vector<Owned<tdag_tensor>> outputs;
    for (tdag_tensor *tensor : raw)
        outputs.emplace_back(tensor);
    return outputs;
}

// The largest |a - b|; infinite where shapes or dtypes differ or one is NaN alone.
double difference(const tdag_tensor *a, const tdag_tensor *b)
{
    if (tdag_tensor_get_dtype(a) != TDAG_F32 || tdag_tensor_get_dtype(b) != TDAG_F32 ||
        tdag_tensor_get_count(a) != tdag_tensor_get_count(b))
        return INFINITY;
    const auto *x = static_cast<const float *>(tdag_tensor_get_data(a));
    const auto *y = static_cast<const float *>(tdag_tensor_get_data(b));
    double most = 0;
    for (int64_t i = 0; i < tdag_tensor_get_count(a); i++) {
        if (std::isnan(x[i]) != std::isnan(y[i])) return INFINITY;
        if (x[i] != y[i] && !std::isnan(x[i]))
            most = std::fmax(most, std::fabs(static_cast<double>(x[i]) - y[i]));
    }
    return most;
}

double round_trip(const char *from, const char *to, int n_inputs, char **texts)
{
    const Library library;
    const Inputs inputs(library, n_inputs, texts);
    const auto original = import(library, from, inputs);
    library.check(tdag_to_torchscript(library.get(), original.get(), to, nullptr));
    const auto again = import(library, to, inputs);

    std::vector<Owned<tdag_tensor>> owned;
    std::vector<tdag_tensor *> tensors;
    for (const tdag_input_spec &spec : inputs.specs) {
        owned.push_back(random_tensor(library, spec));
        tensors.push_back(owned.back().get());
    }
    const auto a = run(library, original.get(), tensors);
    const auto b = run(library, again.get(), tensors);
    if (a.size() != b.size()) return INFINITY;
    double most = 0;
    for (size_t i = 0; i < a.size(); i++)
        most = std::fmax(most, difference(a[i].get(), b[i].get()));
    return most;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 4) {
        std::fprintf(stderr, "usage: round_trip MODEL.pt OUT.pt INPUT...\n");
        return 2;
    }
    try {
        const double most = round_trip(argv[1], argv[2], argc - 3, argv + 3);
        std::printf("largest difference: %g\n", most);
        return most <= 1e-6 ? 0 : 1;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        return 3;
    }
}
