"use strict";
// Predicts for the profile chosen in each explorer of the page, from the two models that it holds.
// P = 1 / (1 + exp(-x'b)); its interval is made on the logit scale, the difference's is plain: b and the
// covariance V are those of both models, so that the variance of a difference with gradient g is g'Vg.

(() => {
  const expit = (z) => 1 / (1 + Math.exp(-z));
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const variance = (g, V) => dot(g, V.map((row) => dot(row, g)));

  const designRow = (model, profile) =>
    model.products.map((product) =>
      product.reduce((x, [name, level]) => {
        const value = profile[name];
        return x * (level === null ? value - model.centres[name] : Number(value === level));
      }, 1));

  const predict = (model, profile) => {
    const x = designRow(model, profile);
    const zeros = x.map(() => 0);
    const logits = model.coefficients.map((b) => dot(x, b));
    const shares = logits.map(expit);
    const found = logits.map((logit, k) => {
      const g = k === 0 ? [...x, ...zeros] : [...zeros, ...x];
      const half = model.quantiles[k] * Math.sqrt(variance(g, model.covariance));
      return { estimate: shares[k], low: expit(logit - half), high: expit(logit + half) };
    });
    const [slope1, slope2] = shares.map((p) => p * (1 - p));
    const g = [...x.map((v) => -slope1 * v), ...x.map((v) => slope2 * v)];
    const half = model.quantiles[2] * Math.sqrt(variance(g, model.covariance));
    const difference = shares[1] - shares[0];
    return [...found, { estimate: difference, low: difference - half, high: difference + half }];
  };

  // Numbers as the report writes them: cut to ten digits, one decimal, a true minus sign.
  const written = (share, words, signed) => {
    const fixed = Math.abs(Number((100 * share).toPrecision(10))).toFixed(1);
    const sign = Number(fixed) === 0 ? "" : share < 0 ? "\u2212" : signed ? "+" : "";
    return sign + fixed.replace(".", words.decimal);
  };
  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  const start = (explorer) => {
    const { model, words } = JSON.parse(explorer.querySelector("script").textContent);
    const form = explorer.querySelector("form");
    const inputs = [...form.querySelectorAll("input, select")];
    const results = [...explorer.querySelectorAll(".prediction")];
    const status = explorer.querySelector("[role=status]");
    let waiting;

    const choose = () => {
      const profile = {};
      for (const input of inputs) {
        const number = input.type === "range";
        profile[input.name] = number ? Number(input.value) : input.value;
        if (number) {
          const text = Number(input.value).toFixed(input.dataset.digits).replace(".", words.decimal);
          const shown = `${text} ${input.dataset.unit}`.trim();
          input.setAttribute("aria-valuetext", shown);
          input.parentElement.querySelector(".chosen").textContent = shown;
        }
      }
      return profile;
    };

    const show = (element, found, signed) => {
      const text = (share) => written(share, words, signed) + (signed ? "" : words.percent);
      const at = (share) => `${signed ? 50 + 50 * share : 100 * share}%`;
      const interval = filled(words.interval, { low: text(found.low), high: text(found.high) });
      element.querySelector(".estimate").textContent = text(found.estimate);
      element.querySelector(".interval").textContent = filled(words.covers, { interval });
      const [line, mark] = element.querySelectorAll(".range, .mark");
      line.setAttribute("x1", at(found.low));
      line.setAttribute("x2", at(found.high));
      mark.setAttribute("x", at(found.estimate));
      return text(found.estimate);
    };

    const update = () => {
      const found = predict(model, choose());
      const texts = results.map((element, k) => show(element, found[k], k === 2));
      const [first, second, difference] = texts;
      clearTimeout(waiting);
      // A screen reader is told once the slider rests.
      waiting = setTimeout(() => {
        status.textContent = filled(words.status, { first, second, difference });
      }, 500);
    };

    form.addEventListener("input", update);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(update));
    update();
    explorer.hidden = false;
  };

  document.querySelectorAll(".explorer").forEach(start);
})();
