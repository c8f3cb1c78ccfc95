/**
 * A server of the Open Inference Protocol that squares rows, written from the protocol's text (kserve/open-inference-protocol,
 * inference_rest.md) and that of the binary tensor data extension, with nothing of this project's code: what the text does not
 * allow in a request it refuses with status 400. It can be told to behave badly.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the server behaves, to be changed while it runs. */
export interface ModelServerBehavior {
  /** Whether it takes and gives bytes, and says so. */
  takesBytes: boolean;
  isReady: boolean;
  /** Requests for inference whose connections it cuts before it answers. */
  cuts: number;
  /** Answers to inference in the place of a result. */
  status: number;
  /** Never answers requests for inference. */
  hangs: boolean;
  /** Shape that it says its input has. */
  inputShape: number[];
  /** Datatype that its results have. */
  resultDatatype: string;
  /** Bearer token that it wants. */
  token: string | undefined;
}

/** A running server, the model being `squares`: input `middle`, output `y`, FP32 [-1, 4]. */
export interface ModelServer {
  readonly url: string;
  readonly behavior: ModelServerBehavior;
  /** Rows of each request for inference that reached it. */
  readonly runs: number[];
  /** What was wrong with requests. */
  readonly faults: string[];
  close(): Promise<void>;
}

const COLUMNS = 4;
const DATATYPES = new Set(
  'BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BYTES'.split(' '),
);
const REQUEST_FIELDS = new Set(['id', 'parameters', 'inputs', 'outputs']);
const INPUT_FIELDS = new Set(['name', 'shape', 'datatype', 'parameters', 'data']);
const OUTPUT_FIELDS = new Set(['name', 'parameters']);

type Fields = Record<string, unknown>;

/** Listens on any free port, or on one that was in use before. */
export async function startModelServer(port = 0): Promise<ModelServer> {
  const behavior: ModelServerBehavior = {
    ...{ takesBytes: true, isReady: true, cuts: 0, status: 200, hangs: false },
    ...{ inputShape: [-1, COLUMNS], resultDatatype: 'FP32', token: undefined },
  };
  const runs: number[] = [];
  const faults: string[] = [];
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: Error) => {
      faults.push(error.message);
      send(response, 400, { error: error.message });
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url } = request;
    if (behavior.token !== undefined && request.headers.authorization !== `Bearer ${behavior.token}`) {
      send(response, 401, { error: 'who are you?' });
      return;
    }
    const extensions = behavior.takesBytes ? ['binary_tensor_data'] : [];
    if (method === 'GET' && url === '/v2') {
      send(response, 200, { name: 'strict', version: '1', extensions });
    } else if (method === 'GET' && url === '/v2/models/squares/ready') {
      send(response, behavior.isReady ? 200 : 400, { name: 'squares', ready: behavior.isReady });
    } else if (method === 'GET' && url === '/v2/models/squares') {
      const tensor = (name: string, shape: number[]) => ({ name, datatype: 'FP32', shape });
      send(response, 200, {
        ...{ name: 'squares', platform: 'test_squares' },
        ...{ inputs: [tensor('middle', behavior.inputShape)], outputs: [tensor('y', [-1, COLUMNS])] },
      });
    } else if (method === 'POST' && url === '/v2/models/squares/infer') {
      await infer(request, response);
    } else {
      send(response, 404, { error: `no ${method} ${url}` });
    }
  }

  async function infer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { values, rows, wantsBytes } = readRequest(Buffer.concat(chunks), request, behavior.takesBytes);
    runs.push(rows);
    if (behavior.cuts > 0) {
      behavior.cuts--;
      request.socket.destroy();
    } else if (behavior.status !== 200) {
      response.setHeader('retry-after', '3');
      send(response, behavior.status, { error: 'as told' });
    } else if (!behavior.hangs) {
      respond(
        response,
        Float32Array.from(values, (value) => value * value),
        wantsBytes,
      );
    }
  }

  function respond(response: ServerResponse, y: Float32Array, wantsBytes: boolean): void {
    const common = { name: 'y', shape: [y.length / COLUMNS, COLUMNS], datatype: behavior.resultDatatype };
    const bytes = Buffer.from(y.buffer);
    const output = wantsBytes
      ? { ...common, parameters: { binary_data_size: bytes.length } }
      : { ...common, data: [...y] };
    const json = Buffer.from(JSON.stringify({ model_name: 'squares', outputs: [output] }));
    if (!wantsBytes) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(json);
      return;
    }
    response.writeHead(200, {
      ...{ 'content-type': 'application/octet-stream', 'inference-header-content-length': json.length },
      'content-length': json.length + bytes.length,
    });
    response.end(Buffer.concat([json, bytes]));
  }

  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    ...{ behavior, runs, faults, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Every rule of the text that a request can break. @throws {Error} naming the first that it does */
function readRequest(
  body: Buffer,
  { headers }: IncomingMessage,
  takesBytes: boolean,
): { values: number[]; rows: number; wantsBytes: boolean } {
  const length = headers['inference-header-content-length'];
  expectThat(length === undefined || /^\d+$/.test(String(length)), 'a header length that is a number');
  expectThat(Number(headers['content-length']) === body.length, 'the content length to be that of the body');
  const jsonBytes = length === undefined ? body.length : Number(length);
  const request = JSON.parse(body.subarray(0, jsonBytes).toString()) as Fields;
  expectFields(request, REQUEST_FIELDS);
  const [input, ...more] = request.inputs as Fields[];
  expectThat(more.length === 0 && input.name === 'middle', "the one input 'middle'");
  expectFields(input, INPUT_FIELDS);
  expectThat(DATATYPES.has(String(input.datatype)) && input.datatype === 'FP32', 'the datatype FP32');
  const shape = input.shape as number[];
  expectThat(Array.isArray(shape) && shape.length === 2 && shape[1] === COLUMNS, 'a shape [rows, 4]');
  const count = shape[0] * COLUMNS;
  const size = (input.parameters as Fields | undefined)?.binary_data_size;
  const isBinary = size !== undefined;
  expectThat(isBinary === (length !== undefined), 'the header exactly where there are bytes');
  expectThat(isBinary === takesBytes, 'the form that the server says it takes');
  expectThat(isBinary !== (input.data !== undefined), 'either data or bytes');
  expectThat(!isBinary || (size === 4 * count && jsonBytes + 4 * count === body.length), 'sizes that add up');
  expectThat(isBinary || headers['content-type'] === 'application/json', 'the content type of JSON');
  const values = isBinary
    ? Array.from({ length: count }, (_, i) => body.readFloatLE(jsonBytes + 4 * i))
    : ((input.data as unknown[]).flat() as number[]);
  expectThat(values.length === count, 'as many elements as the shape says');
  const [output, ...others] = (request.outputs ?? [{ name: 'y' }]) as Fields[];
  expectThat(others.length === 0 && output.name === 'y', "the one output 'y'");
  expectFields(output, OUTPUT_FIELDS);
  return {
    values,
    rows: shape[0],
    wantsBytes: (output.parameters as Fields | undefined)?.binary_data === true,
  };
}

function expectFields(value: Fields, allowed: ReadonlySet<string>): void {
  for (const field of Object.keys(value)) expectThat(allowed.has(field), `no field '${field}'`);
}

function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(`request expected ${what}`);
}

function send(response: ServerResponse, status: number, json: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}
