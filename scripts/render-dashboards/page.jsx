// One dashboard as a page: each panel's queries go to Prometheus, Grafana's own libraries make frames, transform them, apply units,
// thresholds and overrides, and draw the values. What Grafana does not publish on npm (the frame of a dashboard, the panels' own thin
// layers) is written here.
import {
  EventBusSrv, FieldType, Registry, applyFieldOverrides, cacheFieldDisplayNames, createTheme, dateTime, getDisplayValueAlignmentFactors, getFieldDisplayValues,
  standardFieldConfigEditorRegistry, standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame, ThemeContext,
} from '@grafana/data';
import { BarGauge, BigValue, PanelContextProvider, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { useLayoutEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';

const asked = new URLSearchParams(location.search);
const now = Number(asked.get('now')) || Date.now() / 1000;
const theme = createTheme({ colors: { mode: asked.get('theme') || 'dark' } });
const CELL = 38;
const GAP = 8;

standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(standardTransformers).map((one) => [one.id, one])).values()].map((transformation) => ({
    id: transformation.id, name: transformation.name, transformation: () => Promise.resolve(transformation), editor: () => null, description: '',
  })),
);

// Every property that a panel may set, in the form in which Grafana registers them.
function registry(panel) {
  const properties = new Map();
  const add = (id) => {
    const isCustom = id.startsWith('custom.');
    const path = isCustom ? id.slice(7) : id;
    properties.set(id, { id, path, name: id, isCustom, process: (value) => value, shouldApply: () => true, settings: {} });
  };
  ['unit', 'decimals', 'min', 'max', 'mappings', 'thresholds', 'color', 'links', 'noValue', 'displayName'].forEach(add);
  Object.keys(panel.fieldConfig.defaults.custom ?? {}).forEach((key) => add(`custom.${key}`));
  panel.fieldConfig.overrides.forEach((override) => override.properties.forEach(({ id }) => add(id)));
  return new Registry(() => [...properties.values()]);
}
standardFieldConfigEditorRegistry.setInit(() => []);

async function prometheus(path, parameters) {
  const answer = await fetch(`/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(parameters) });
  const { data, error } = await answer.json();
  if (error) {
    throw new Error(`${error}: ${parameters.query}`);
  }
  return data.result;
}

const RANGES = { h: 3600, d: 86400, m: 60 };
const seconds = (text) => Number(text.slice(0, -1)) * RANGES[text.at(-1)];

function replace(text, variables) {
  return text
    .replaceAll('$__rate_interval', '5m')
    .replace(/\$\{?([a-zA-Z_]+)\}?/g, (whole, name) => (name in variables ? variables[name] : whole));
}

async function frames(panel, dashboard, variables) {
  const made = [];
  for (const target of panel.targets) {
    const query = replace(target.expr, variables);
    if (target.range) {
      const step = seconds(panel.interval);
      const from = now - seconds(dashboard.time.from.replace('now-', ''));
      const result = await prometheus('query_range', { query, start: Math.floor(from / step) * step, end: Math.floor(now / step) * step, step });
      result.forEach((series) => made.push(timeFrame(target, series.metric, series.values)));
    } else {
      const result = await prometheus('query', { query, time: now });
      if (target.format === 'table') {
        made.push(tableFrame(target, result, panel.targets.length > 1));
      } else {
        result.forEach((series) => made.push(timeFrame(target, series.metric, [series.value])));
      }
    }
  }
  return made;
}

const legend = (format, labels) => (format === '__auto' ? '' : format.replace(/\{\{(\w+)\}\}/g, (_, name) => labels[name] ?? ''));

function timeFrame(target, labels, values) {
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map(([time]) => time * 1000), config: {} },
      {
        name: 'Value', type: FieldType.number, labels, values: values.map(([, value]) => Number(value)),
        config: { displayNameFromDS: legend(target.legendFormat, labels) },
      },
    ],
  });
}

function tableFrame(target, result, several) {
  const names = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: result.map(() => now * 1000), config: {} },
      ...names.map((name) => ({ name, type: FieldType.string, values: result.map(({ metric }) => metric[name] ?? ''), config: {} })),
      { name: several ? `Value #${target.refId}` : 'Value', type: FieldType.number, values: result.map(({ value }) => Number(value[1])), config: {} },
    ],
  });
}

function transformed(panel, data) {
  const chain = (panel.transformations ?? []).map(({ id, options }) => ({ id, options }));
  return new Promise((resolve, reject) => {
    transformDataFrame(chain, data, { interpolate: (text) => text }).subscribe({ next: resolve, error: reject });
  });
}

function configured(panel, data, variables) {
  const fieldConfig = structuredClone(panel.fieldConfig);
  const base = (thresholds) => thresholds?.steps.forEach((step) => (step.value ??= -Infinity));
  base(fieldConfig.defaults.thresholds);
  fieldConfig.overrides.forEach(({ properties }) => properties.forEach(({ id, value }) => id === 'thresholds' && base(value)));
  fieldConfig.overrides.forEach(({ properties }) =>
    properties.forEach((property) => {
      if (property.id === 'custom.hidden') {
        Object.assign(property, { id: 'custom.hideFrom', value: { viz: true } });
      }
    }),
  );
  const series = applyFieldOverrides({
    data, fieldConfig, theme, timeZone: 'utc', replaceVariables: (text) => replace(text, variables),
    fieldConfigRegistry: registry({ ...panel, fieldConfig }),
  });
  cacheFieldDisplayNames(series);
  return { fieldConfig, series };
}

function Panel({ panel, variables, data, width, height }) {
  const { fieldConfig, series } = configured(panel, data, variables);
  const replaceVariables = (text) => replace(text, variables);
  if (!series.some((frame) => frame.length > 0)) {
    return <div className="nothing">{fieldConfig.defaults.noValue ?? 'No data'}</div>;
  }
  const values = () =>
    getFieldDisplayValues({ fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables, theme, data: series, timeZone: 'utc' });
  const range = { from: dateTime(data.from), to: dateTime(now * 1000) };
  switch (panel.type) {
    case 'stat':
      return (
        <VizRepeater getAlignmentFactors={getDisplayValueAlignmentFactors} source={values()} getValues={values} width={width} height={height} orientation="vertical" itemSpacing={3} autoGrid={false}
          renderValue={({ value, width, height, count }) => (
            <BigValue value={{ ...value.display, title: value.display.title }} width={width} height={height} theme={theme} count={count} wideLayout={panel.options.wideLayout}
              colorMode={panel.options.colorMode} graphMode="none" justifyMode="auto" textMode={panel.options.textMode} />
          )} />
      );
    case 'bargauge':
      return (
        <VizRepeater getAlignmentFactors={getDisplayValueAlignmentFactors} source={values()} getValues={values} width={width} height={height} orientation="horizontal" itemSpacing={6} autoGrid={false}
          minVizHeight={16} maxVizHeight={24}
          renderValue={({ value, width, height, alignmentFactors }) => (
            <BarGauge alignmentFactors={alignmentFactors} value={value.display} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex)} width={width} height={height}
              theme={theme} orientation="horizontal" displayMode={panel.options.displayMode} showUnfilled={panel.options.showUnfilled}
              text={panel.options.text} valueDisplayMode={panel.options.valueMode} namePlacement={panel.options.namePlacement} itemSpacing={6} />
          )} />
      );
    case 'table':
      return (
        <TableNG data={series[0]} width={width} height={height} cellHeight={panel.options.cellHeight} timeRange={range} noHeader={false}
          sortBy={panel.options.sortBy} sortByBehavior="initial" fieldConfig={fieldConfig} enableVirtualization={false} structureRev={1} />
      );
    case 'timeseries':
      return (
        <TimeSeries frames={series} structureRev={1} width={width} height={height} timeZone="utc" legend={panel.options.legend}
          timeRange={{ ...range, from: dateTime((now - seconds(variables.__since)) * 1000) }} />
      );
    case 'barchart':
      return <Months frame={series[0]} width={width} height={height} />;
  }
}

// The bar chart panel is not published; this draws its stacks from the same frame, colours and units.
function Months({ frame, width, height }) {
  const [category, ...stacks] = frame.fields;
  const totals = category.values.map((_, row) => stacks.reduce((sum, field) => sum + (field.values[row] ?? 0), 0));
  const top = Math.max(...totals);
  const color = (field) => field.display(0).color;
  return (
    <div className="months" style={{ width, height }}>
      <div className="columns">
        {category.values.map((month, row) => (
          <div key={month} className="column">
            <div className="stack">
              {stacks.map((field) => (
                <div key={field.name} style={{ height: `${(100 * (field.values[row] ?? 0)) / top}%`, background: color(field) }} />
              ))}
            </div>
            <span>{month}</span>
          </div>
        ))}
      </div>
      <div className="key">{stacks.map((field) => <span key={field.name}><i style={{ background: color(field) }} />{field.name}</span>)}</div>
    </div>
  );
}

function Framed({ panel, place, variables, data, error }) {
  const body = useRef(null);
  const [size, setSize] = useState(null);
  useLayoutEffect(() => body.current && setSize({ width: body.current.clientWidth, height: body.current.clientHeight }), []);
  const style = { gridColumn: `${place.x + 1} / span ${place.w}`, gridRow: `${place.y + 1} / span ${place.h}` };
  if (panel.type === 'row') {
    return <div className="row" style={style}>{panel.title}</div>;
  }
  return (
    <section className="panel" style={style}>
      <h2>{replace(panel.title, variables)}</h2>
      <div className="body" ref={body}>
        {error ? <div className="nothing error">{String(error)}</div> : size && <Panel panel={panel} variables={variables} data={data} {...size} />}
      </div>
    </section>
  );
}

async function start() {
  const dashboard = await (await fetch(`/dashboards/${asked.get('dashboard')}.json`)).json();
  const variables = { __since: dashboard.time.from.replace('now-', '') };
  for (const variable of dashboard.templating.list.slice(1)) {
    variables[variable.name] = asked.get(variable.name) ?? '.*';
  }
  const until = Number(asked.get('rows')) || Infinity;
  const shown = dashboard.panels.filter(({ gridPos }) => gridPos.y + gridPos.h <= until);
  const tiles = [];
  for (const panel of shown) {
    let copies = [{ variables, place: panel.gridPos }];
    if (panel.repeat) {
      const chosen = dashboard.templating.list.find(({ name }) => name === panel.repeat);
      const [, query] = /^query_result\((.*)\)$/.exec(replace(chosen.query.query, variables));
      const found = await prometheus('query', { query, time: now });
      const labels = found.map(({ metric }) => metric[panel.repeat]).sort().slice(0, panel.maxPerRow);
      const w = panel.gridPos.w / labels.length;
      copies = labels.map((value, index) => ({ variables: { ...variables, [panel.repeat]: value }, place: { ...panel.gridPos, x: index * w, w } }));
    }
    for (const copy of copies) {
      try {
        const data = panel.type === 'row' ? [] : await transformed(panel, await frames(panel, dashboard, copy.variables));
        tiles.push({ panel, ...copy, data });
      } catch (error) {
        tiles.push({ panel, ...copy, error });
      }
    }
  }
  document.body.style.background = theme.colors.background.canvas;
  document.body.className = theme.name.toLowerCase();
  const chosen = dashboard.templating.list.slice(1).map(({ name, label }) => [label, variables[name] === '.*' ? 'All' : variables[name]]);
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <PanelContextProvider value={{ eventsScope: 'page', eventBus: new EventBusSrv() }}>
        <header>
          <h1>{dashboard.title}</h1>
          {chosen.map(([label, value]) => <span key={label} className="variable"><b>{label}</b>{value}</span>)}
        </header>
        <main style={{ gridAutoRows: CELL - GAP, gap: GAP }}>
          {tiles.map((tile, index) => <Framed key={index} {...tile} />)}
        </main>
      </PanelContextProvider>
    </ThemeContext.Provider>,
  );
  setTimeout(() => (document.title = 'drawn'), 500);
}

start().catch((error) => {
  document.body.textContent = error.stack;
});
