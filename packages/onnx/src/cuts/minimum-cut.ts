/**
 * Minimum cuts of directed networks by Dinic's maximum flow (E. A. Dinic, Soviet Math. Doklady 11, 1970). A network is
 * laid out once; capacities are handed in with every search, so that many searches share the layout.
 */

/** A directed network. Edge i has its reverse at `i ^ 1`. */
export interface FlowNetwork {
  readonly vertexCount: number;
  /** Vertex that an edge leads to. */
  readonly heads: Int32Array;
  /** Where the edges of a vertex begin in `order`; length `vertexCount + 1`. */
  readonly starts: Int32Array;
  /** Edges by the vertex that they leave. */
  readonly order: Int32Array;
}

/** An edge to lay out; edge i of the list has number 2·i in the network. */
export interface FlowEdge {
  readonly from: number;
  readonly to: number;
}

/** A minimum cut. */
export interface MinimumCut {
  /** Sum of the capacities that lead across; `Infinity` if source and sink cannot be parted. */
  readonly value: number;
  /** 1 for vertices on the side of the source; of all minimum cuts the one with the fewest of them. */
  readonly sourceSide: Uint8Array;
}

/** Lays out a network. */
export function layOutNetwork(vertexCount: number, edges: readonly FlowEdge[]): FlowNetwork {
  const heads = new Int32Array(2 * edges.length);
  const starts = new Int32Array(vertexCount + 1);
  for (const [i, { from, to }] of edges.entries()) {
    heads[2 * i] = to;
    heads[2 * i + 1] = from;
    starts[from + 1]++;
    starts[to + 1]++;
  }
  for (let vertex = 0; vertex < vertexCount; vertex++) starts[vertex + 1] += starts[vertex];
  const next = starts.slice();
  const order = new Int32Array(2 * edges.length);
  for (const [i, { from, to }] of edges.entries()) {
    order[next[from]++] = 2 * i;
    order[next[to]++] = 2 * i + 1;
  }
  return { vertexCount, heads, starts, order };
}

/**
 * Finds a minimum cut between two vertices.
 * @param capacities - for each edge of the list that the network was laid out from, 0 … `Infinity`; not modified. Sums
 *   below 2^53 of whole numbers are exact.
 */
export function minimumCut(
  network: FlowNetwork,
  capacities: Float64Array,
  source: number,
  sink: number,
): MinimumCut {
  const residual = new Float64Array(2 * capacities.length);
  for (const [i, capacity] of capacities.entries()) residual[2 * i] = capacity;
  const levels = new Int32Array(network.vertexCount);
  let value = 0;
  while (markLevels(network, residual, levels, source, sink)) {
    value += blockingFlow(network, residual, levels, source, sink);
    if (value === Number.POSITIVE_INFINITY) break;
  }
  // The last search ended without the sink: what it reached is the smallest source side.
  return { value, sourceSide: Uint8Array.from(levels, (level) => (level >= 0 ? 1 : 0)) };
}

/** Breadth first: edges from the source to each vertex over edges with capacity left, -1 where none lead. */
function markLevels(
  { heads, starts, order }: FlowNetwork,
  residual: Float64Array,
  levels: Int32Array,
  source: number,
  sink: number,
): boolean {
  levels.fill(-1);
  levels[source] = 0;
  const queue = [source];
  for (const vertex of queue) {
    for (let at = starts[vertex]; at < starts[vertex + 1]; at++) {
      const to = heads[order[at]];
      if (levels[to] >= 0 || residual[order[at]] <= 0) continue;
      levels[to] = levels[vertex] + 1;
      queue.push(to);
    }
  }
  return levels[sink] >= 0;
}

/**
 * Sends flow along shortest paths until none is left. Depth first with an explicit path, since paths are as long as
 * networks are deep; `next` remembers for each vertex the edges that led nowhere.
 */
function blockingFlow(
  { heads, starts, order }: FlowNetwork,
  residual: Float64Array,
  levels: Int32Array,
  source: number,
  sink: number,
): number {
  const next = starts.slice(0, -1);
  const path: number[] = [];
  let total = 0;
  for (let vertex = source; ; ) {
    if (vertex === sink) {
      const sent = path.reduce((least, edge) => Math.min(least, residual[edge]), Number.POSITIVE_INFINITY);
      total += sent;
      if (sent === Number.POSITIVE_INFINITY) return total;
      for (const edge of path) {
        residual[edge] -= sent;
        residual[edge ^ 1] += sent;
      }
      // Back to before the first edge that is full; the vertices up to there still lie on the path.
      const full = path.findIndex((edge) => residual[edge] <= 0);
      vertex = heads[path[full] ^ 1];
      path.length = full;
      continue;
    }
    let found = -1;
    for (; next[vertex] < starts[vertex + 1]; next[vertex]++) {
      const edge = order[next[vertex]];
      if (residual[edge] > 0 && levels[heads[edge]] === levels[vertex] + 1) {
        found = edge;
        break;
      }
    }
    if (found >= 0) {
      path.push(found);
      vertex = heads[found];
      continue;
    }
    const back = path.pop();
    if (back === undefined) return total;
    vertex = heads[back ^ 1];
    next[vertex]++;
  }
}
