/** An ONNX model: what it takes and gives, and what it is made of. */

import {
  declaredShapes,
  graphOf,
  indexGraph,
  type ModelProto,
  modelCost,
  opsetVersion,
  parseModel,
  tensorInfoOf,
} from '@featherwire/onnx';
import { formatCount, formatExactBytes, formatShape, UNKNOWN } from '../terminal/units.js';
import { type InspectReport, numberColumn } from './report.js';

/** @throws {OnnxError} if it is not a model */
export function inspectModel(bytes: Uint8Array): InspectReport {
  const model = parseModel(bytes);
  const graph = graphOf(model);
  const { inputs, externalFiles } = sourcesOf(model);
  const outputs = graph.output.map((output) => tensorInfoOf(output) ?? { name: output.name });
  const operators = countOperators(model);
  const { parameters } = modelCost(model, declaredShapes(model));
  const opsets = model.opsetImport.map(({ domain, version }) => ({
    domain: domain || 'ai.onnx',
    version: Number(version),
  }));
  const producer = [model.producerName, model.producerVersion].filter(Boolean).join(' ');
  return {
    title: 'ONNX model',
    pairs: [
      ['name', graph.name || undefined],
      ['inputs', inputs.map(describeValue).join(', ')],
      ['outputs', outputs.map(describeValue).join(', ')],
      ['opset', `${opsetVersion(model) ?? UNKNOWN}${describeDomains(opsets)}`],
      ['producer', producer || undefined],
      ['nodes', formatCount(graph.node.length)],
      ['weights', formatCount(parameters)],
      ['weight files', externalFiles.length === 0 ? undefined : externalFiles.join(', ')],
      ['size', formatExactBytes(bytes.length)],
    ],
    tables: [
      {
        columns: [{ header: 'operator' }, numberColumn('nodes')],
        rows: operators.map(({ operator, nodes }) => [operator, formatCount(nodes)]),
      },
    ],
    record: {
      kind: 'onnx',
      name: graph.name,
      byteLength: bytes.length,
      irVersion: Number(model.irVersion),
      opsets,
      producer,
      inputs,
      outputs,
      nodeCount: graph.node.length,
      operators,
      parameters,
      externalFiles,
    },
  };
}

interface DescribedValue {
  readonly name: string;
  readonly dtype?: string;
  readonly shape?: readonly (number | string)[] | null;
}

function describeValue({ name, dtype, shape }: DescribedValue): string {
  return `${name} ${dtype ?? UNKNOWN} ${formatShape(shape ?? null)}`;
}

function sourcesOf(model: ModelProto): { inputs: DescribedValue[]; externalFiles: string[] } {
  const declared = declaredShapes(model);
  const inputs = indexGraph(model).inputs.map((name) => declared.get(name) ?? { name });
  const files = graphOf(model).initializer.flatMap(({ externalData }) =>
    externalData.filter(({ key }) => key === 'location').map(({ value }) => value),
  );
  return { inputs, externalFiles: [...new Set(files)] };
}

/** Most frequent first. */
function countOperators(model: ModelProto): { operator: string; nodes: number }[] {
  const counts = new Map<string, number>();
  for (const { opType, domain } of graphOf(model).node) {
    const operator = domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`;
    counts.set(operator, (counts.get(operator) ?? 0) + 1);
  }
  return [...counts]
    .map(([operator, nodes]) => ({ operator, nodes }))
    .sort((a, b) => b.nodes - a.nodes || a.operator.localeCompare(b.operator));
}

function describeDomains(opsets: readonly { readonly domain: string; readonly version: number }[]): string {
  const others = opsets.filter(({ domain }) => domain !== 'ai.onnx');
  return others.map(({ domain, version }) => `, ${domain} ${version}`).join('');
}
