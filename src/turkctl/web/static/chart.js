// Charts of numbers over time. An element says with `data-chart` from which address its numbers come, with `data-lines`
// which of them are drawn ("key=words|…"), with `data-level` a constant line, and with `data-money` that they are amounts, and of which unit.
"use strict";

(() => {
  const HEIGHT = 260;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const pairs = (text) => (text ? text.split("|").map((each) => each.split("=")) : []);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const iso = (seconds) => new Date(seconds * 1000).toISOString();

  // Times of the axis in UTC: days, or times of day with the date below the first one of each day.
  function moments(chart, ticks, axis, space, step) {
    let before = "";
    return ticks.map((each) => {
      const [date, time] = [iso(each).slice(0, 10), iso(each).slice(11, 16)];
      const words = step >= 86400 ? date : date === before ? time : `${time}\n${date}`;
      before = date;
      return words;
    });
  }

  function options(element, width, level) {
    const unit = element.dataset.money;
    const money = unit !== undefined;
    const amount = (number) => (unit === "USD" ? `$${number}` : `${number} ${unit}`);
    const shown = (value) => (value == null ? "–" : money ? amount(value.toFixed(2)) : String(value));
    const line = (words, stroke, dash) => ({
      label: words, stroke, width: 2, dash, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false },
      value: (chart, value) => shown(value),
    });
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--bar-back"), width: 1 }, ticks: { show: false } };
    const strokes = [colour("--bar"), colour("--soft")];
    const lines = pairs(element.dataset.lines).map(([, words], place) => line(words, strokes[place], place ? [4, 4] : undefined));
    return {
      width, height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (chart, least, most) => [0, Math.max(1, most * 1.05)] } },
      axes: [{ ...axis, space: 75, values: moments }, { ...axis, size: money ? 70 : 50, values: (chart, ticks) => ticks.map((each) => (unit === "USD" ? `$${each}` : String(each))) }],
      series: [{ label: "Time (UTC)", value: (chart, each) => (each == null ? "–" : iso(each).slice(0, 16).replace("T", " ")) }, ...lines, ...level.map((words) => line(words, colour("--live"), [2, 6]))],
    };
  }

  function columns(element, numbers) {
    const of = (key) => numbers.points.map((point) => (point[key] === null ? null : Number(point[key])));
    const [[key, words] = []] = pairs(element.dataset.level);
    const level = key && numbers[key] !== null ? [words] : [];
    const data = [
      numbers.points.map((point) => Date.parse(point.time) / 1000),
      ...pairs(element.dataset.lines).map(([each]) => of(each)),
      ...level.map(() => numbers.points.map(() => Number(numbers[key]))),
    ];
    return { data, level };
  }

  function show(element, numbers) {
    const { data, level } = columns(element, numbers);
    let chart = null;
    const draw = () => {
      if (chart) chart.destroy();
      chart = new uPlot(options(element, element.clientWidth, level), data, element);
    };
    draw();
    dark.addEventListener("change", draw);
    new ResizeObserver(() => {
      if (element.clientWidth !== chart.width) chart.setSize({ width: element.clientWidth, height: HEIGHT });
    }).observe(element);
  }

  const fetched = new Map(); // charts of one address share its answer
  for (const element of document.querySelectorAll("[data-chart]")) {
    const address = element.dataset.chart;
    if (!fetched.has(address)) fetched.set(address, fetch(address).then((answer) => (answer.ok ? answer.json() : null)));
    fetched.get(address).then((numbers) => { if (numbers) show(element, numbers); });
  }
})();
