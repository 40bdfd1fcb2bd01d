/* Charts as SVG at the width of their place, so that their texts keep their size. */

const MARGIN = { top: 12, right: 12, bottom: 26, left: 56 };
const TICK_STEPS = [1, 2, 2.5, 5, 10];
const TIME_STEPS_S = [
  1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
];

/* Round values that cover a range in about `wanted` steps. */
function ticks(low, high, wanted) {
  const least = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * TICK_STEPS.find((each) => each * power >= least * 0.999);
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1)
    found.push(index * step || 0);
  return {
    step,
    values: found,
    decimals: Math.max(0, Math.ceil(-Math.log10(step) - 1e-9) + (step / power === 2.5 ? 1 : 0)),
  };
}

function timeTicks(fromMs, toMs, wanted) {
  const least = (toMs - fromMs) / 1000 / wanted;
  const step = 1000 * (TIME_STEPS_S.find((each) => each >= least) ?? TIME_STEPS_S.at(-1));
  const found = [];
  for (let time = Math.ceil(fromMs / step) * step; time <= toMs; time += step) found.push(time);
  const label = (ms) => {
    const iso = new Date(ms).toISOString();
    return step >= 86_400_000 ? iso.slice(5, 10) : step >= 60_000 ? iso.slice(11, 16) : iso.slice(11, 19);
  };
  return { values: found, label };
}

const scale = (from, to, start, end) => (value) =>
  start + ((value - from) / (to - from || 1)) * (end - start);
const px = (value) => value.toFixed(1);

function frame(width, height, label, ...children) {
  return svg(
    "svg",
    { class: "chart", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    children,
  );
}

function valueAxis(found, y, width) {
  return found.values.map((value) => [
    svg("line", {
      class: value === 0 ? "zero" : "grid",
      x1: MARGIN.left,
      x2: width - MARGIN.right,
      y1: px(y(value)),
      y2: px(y(value)),
    }),
    svg(
      "text",
      { class: "tick", x: MARGIN.left - 8, y: px(y(value) + 4), "text-anchor": "end" },
      fixed(value, found.decimals),
    ),
  ]);
}

/* A total that changes at moments and stays in between: points are [ms, value], oldest first. */
function stepChart({ points, untilMs, width, height, label }) {
  const values = points.map((point) => point[1]);
  const fromMs = points[0][0];
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const found = ticks(low, high, 6);
  const x = scale(fromMs, untilMs, MARGIN.left, width - MARGIN.right);
  const y = scale(
    Math.min(low, found.values[0]),
    Math.max(high, found.values.at(-1)),
    height - MARGIN.bottom,
    MARGIN.top,
  );
  const line = points.map(([ms, value], index) =>
    index ? `H${px(x(ms))}V${px(y(value))}` : `M${px(x(ms))},${px(y(value))}`,
  );
  const path = `${line.join("")}H${px(x(untilMs))}`;
  const times = timeTicks(fromMs, untilMs, width / 110);
  return frame(
    width,
    height,
    label,
    valueAxis(found, y, width),
    times.values.map((ms) =>
      svg("text", { class: "tick", x: px(x(ms)), y: height - 6, "text-anchor": "middle" }, times.label(ms)),
    ),
    svg("path", { class: "area", d: `${path}V${px(y(0))}H${px(x(fromMs))}Z` }),
    svg("path", { class: "line", d: path }),
    svg("circle", { class: "dot", cx: px(x(untilMs)), cy: px(y(values.at(-1))), r: 3.5 }),
  );
}

/* How often values fall into bins: bins are [from, count], all of one width; what is below zero is told apart. */
function histogram({ bins, binWidth, width, height, label, tick }) {
  const most = Math.max(...bins.map((bin) => bin[1]));
  const found = ticks(0, most, Math.min(3, most));
  const left = MARGIN.left - 20;
  const x = scale(bins[0][0], bins.at(-1)[0] + binWidth, left, width - MARGIN.right);
  const y = scale(0, Math.max(most, found.values.at(-1)), height - MARGIN.bottom, MARGIN.top);
  const labels = ticks(bins[0][0], bins.at(-1)[0] + binWidth, width / 80);
  return frame(
    width,
    height,
    label,
    found.values.map((value) => [
      svg("line", {
        class: value === 0 ? "zero" : "grid",
        x1: left,
        x2: width - MARGIN.right,
        y1: px(y(value)),
        y2: px(y(value)),
      }),
      svg("text", { class: "tick", x: left - 6, y: px(y(value) + 4), "text-anchor": "end" }, count(value)),
    ]),
    bins
      .filter((bin) => bin[1])
      .map(([from, held]) =>
        svg("rect", {
          class: from < 0 ? "bar loss" : "bar",
          x: px(x(from) + 0.5),
          y: px(y(held)),
          width: px(Math.max(1, x(from + binWidth) - x(from) - 1)),
          height: px(y(0) - y(held)),
        }),
      ),
    labels.values.map((value) =>
      svg(
        "text",
        { class: "tick", x: px(x(value)), y: height - 6, "text-anchor": "middle" },
        tick(value, labels.decimals),
      ),
    ),
  );
}

/* Opportunities of the last scans as a row of bars; a scan that found none is a point on the ground. */
function spark(values, label) {
  const most = Math.max(1, ...values);
  return svg(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${values.length * 4} 20`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": label,
    },
    values.map((value, index) => {
      const tall = value ? Math.max(4, (18 * value) / most) : 1;
      return svg("rect", {
        class: value ? "bar" : "ground",
        x: index * 4,
        y: px(20 - tall),
        width: 3,
        height: px(tall),
      });
    }),
  );
}

/* A share of a whole as a bar; the number stands beside it. */
function share(part, whole) {
  return svg(
    "svg",
    { class: "share", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "bar", width: px((100 * part) / (whole || 1)), height: 4 }),
  );
}
