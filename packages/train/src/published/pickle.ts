/**
 * A reader of Python pickles that runs nothing: of the pickle machine (PEP 307, PEP 3154) it knows the opcodes that plain
 * data take, and of Python's callables those that its caller names, which are functions of this program. Anything else is
 * refused by its name.
 */

import { TrainError } from '../errors.js';

/** What a pickle may call, and how deep it may go. */
export interface PickleOptions {
  /** Stand-ins for Python's callables by `module.name`; arguments are what the pickle gives, unchecked. */
  readonly globals: ReadonlyMap<string, (...args: readonly unknown[]) => unknown>;
  /** Makes an object of a persistent id; without it such ids are refused. */
  readonly persistent?: (id: unknown) => unknown;
  /** Opcodes, at most; 2^20 by default. */
  readonly maxOperations?: number;
}

/** A callable that a pickle has named and not called. */
export class PickleGlobal {
  readonly name: string;
  readonly call: (...args: readonly unknown[]) => unknown;

  constructor(name: string, call: (...args: readonly unknown[]) => unknown) {
    this.name = name;
    this.call = call;
  }
}

const DEFAULT_MAX_OPERATIONS = 2 ** 20;
const MAX_PROTOCOL = 5;
const MAX_ARGUMENTS = 16;
const MARK = Symbol('mark');

/**
 * Reads one pickle. Lists and tuples become arrays, dictionaries maps, `None` null, long integers bigints beyond 2^53.
 * @throws {TrainError} `bad-weights`
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions): unknown {
  return new PickleMachine(bytes, options).run();
}

class PickleMachine {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #options: PickleOptions;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  #at = 0;

  constructor(bytes: Uint8Array, options: PickleOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#options = options;
  }

  run(): unknown {
    const { maxOperations = DEFAULT_MAX_OPERATIONS } = this.#options;
    for (let count = 0; count < maxOperations; count++) {
      const opcode = String.fromCharCode(this.#take(1)[0]);
      if (opcode === '.') return this.#pop();
      this.#apply(opcode);
    }
    throw refused(`pickle expected at most ${maxOperations} operations, got more`);
  }

  #apply(opcode: string): void {
    if (this.#applyValue(opcode) || this.#applyContainer(opcode) || this.#applyObject(opcode)) return;
    const code = opcode.charCodeAt(0).toString(16).padStart(2, '0');
    throw refused(`pickle expected plain data, got opcode 0x${code} at ${this.#at - 1}`);
  }

  /** Numbers, texts, and what frames a pickle. */
  #applyValue(opcode: string): boolean {
    switch (opcode) {
      case '\x80': {
        const [protocol] = this.#take(1);
        if (protocol > MAX_PROTOCOL)
          throw refused(`pickle expected protocol ${MAX_PROTOCOL} at most, got ${protocol}`);
        return true;
      }
      case '\x95': // length of a frame, which says nothing that the opcodes do not
        this.#take(8);
        return true;
      case 'N':
        return this.#push(null);
      case '\x88':
        return this.#push(true);
      case '\x89':
        return this.#push(false);
      case 'J':
        return this.#push(this.#view.getInt32(this.#skip(4), true));
      case 'K':
        return this.#push(this.#uint(1));
      case 'M':
        return this.#push(this.#uint(2));
      case 'G':
        return this.#push(this.#view.getFloat64(this.#skip(8), false));
      case '\x8a':
        return this.#push(this.#long(this.#uint(1)));
      case 'X':
        return this.#push(this.#text(this.#uint(4)));
      case '\x8c':
        return this.#push(this.#text(this.#uint(1)));
      default:
        return false;
    }
  }

  /** Tuples, lists, dictionaries, and the memo. */
  #applyContainer(opcode: string): boolean {
    switch (opcode) {
      case '(':
        return this.#push(MARK);
      case ')':
      case ']':
        return this.#push([]);
      case '}':
        return this.#push(new Map());
      case 't':
        return this.#push(this.#popToMark());
      case '\x85':
      case '\x86':
      case '\x87': {
        const count = opcode.charCodeAt(0) - 0x84;
        const items = Array.from({ length: count }, () => this.#pop());
        return this.#push(items.reverse());
      }
      case 'a': {
        const item = this.#pop();
        this.#list().push(item);
        return true;
      }
      case 'e': {
        const items = this.#popToMark();
        const list = this.#list();
        for (const item of items) list.push(item); // as arguments they may be too many for the stack
        return true;
      }
      case 's': {
        const [value, key] = [this.#pop(), this.#pop()];
        this.#dictionary().set(key, value);
        return true;
      }
      case 'u': {
        const items = this.#popToMark();
        if (items.length % 2 === 1) throw refused('pickle expected pairs of key and value, got a key alone');
        for (let i = 0; i < items.length; i += 2) this.#dictionary().set(items[i], items[i + 1]);
        return true;
      }
      case 'q':
        return this.#memoize(this.#uint(1));
      case 'r':
        return this.#memoize(this.#uint(4));
      case '\x94':
        return this.#memoize(this.#memo.size);
      case 'h':
        return this.#push(this.#recall(this.#uint(1)));
      case 'j':
        return this.#push(this.#recall(this.#uint(4)));
      default:
        return false;
    }
  }

  /** Callables of the caller's, and what they are called with. */
  #applyObject(opcode: string): boolean {
    switch (opcode) {
      case 'c':
        return this.#push(this.#global(`${this.#line()}.${this.#line()}`));
      case '\x93': {
        const [name, module] = [this.#pop(), this.#pop()];
        return this.#push(this.#global(`${String(module)}.${String(name)}`));
      }
      case 'R': {
        const [args, callable] = [this.#pop(), this.#pop()];
        if (!(callable instanceof PickleGlobal) || !Array.isArray(args))
          throw refused('pickle expected a call of a named function, got something else');
        if (args.length > MAX_ARGUMENTS)
          throw refused(`${callable.name} expected at most ${MAX_ARGUMENTS} arguments, got ${args.length}`);
        return this.#push(callable.call(...args));
      }
      case 'Q': {
        const { persistent } = this.#options;
        if (!persistent) throw refused('pickle expected no persistent id, got one');
        return this.#push(persistent(this.#pop()));
      }
      case 'b': // attributes of an object; plain data have none that matter
        this.#pop();
        return true;
      default:
        return false;
    }
  }

  #global(name: string): PickleGlobal {
    const call = this.#options.globals.get(name);
    if (call) return new PickleGlobal(name, call);
    throw refused(`pickle expected plain data, got the callable ${name}`);
  }

  #push(value: unknown): true {
    this.#stack.push(value);
    return true;
  }

  #pop(): unknown {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK)
      throw refused('pickle expected a value on the stack, got none');
    return value;
  }

  #popToMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw refused('pickle expected a mark, got none');
    return this.#stack.splice(mark).slice(1);
  }

  #list(): unknown[] {
    const list = this.#stack.at(-1);
    if (Array.isArray(list)) return list;
    throw refused('pickle expected a list to append to, got something else');
  }

  #dictionary(): Map<unknown, unknown> {
    const dictionary = this.#stack.at(-1);
    if (dictionary instanceof Map) return dictionary;
    throw refused('pickle expected a dictionary to set, got something else');
  }

  #memoize(key: number): true {
    if (this.#stack.length === 0) throw refused('pickle expected a value to keep, got none');
    this.#memo.set(key, this.#stack.at(-1));
    return true;
  }

  #recall(key: number): unknown {
    if (!this.#memo.has(key)) throw refused(`pickle expected a value kept as ${key}, got none`);
    return this.#memo.get(key);
  }

  #skip(count: number): number {
    const start = this.#at;
    if (start + count > this.#bytes.length) throw refused('pickle expected more bytes, got its end');
    this.#at += count;
    return start;
  }

  #take(count: number): Uint8Array {
    const start = this.#skip(count);
    return this.#bytes.subarray(start, start + count);
  }

  #uint(bytes: 1 | 2 | 4): number {
    const start = this.#skip(bytes);
    if (bytes === 1) return this.#view.getUint8(start);
    return bytes === 2 ? this.#view.getUint16(start, true) : this.#view.getUint32(start, true);
  }

  /** Little-endian two's complement. */
  #long(count: number): number | bigint {
    const value = this.#take(count).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const signed = BigInt.asIntN(8 * count, value);
    return BigInt(Number(signed)) === signed ? Number(signed) : signed;
  }

  #text(count: number): string {
    return new TextDecoder().decode(this.#take(count));
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw refused('pickle expected the end of a line, got its own end');
    const line = this.#text(end - this.#at);
    this.#take(1);
    return line;
  }
}

/** The error for files that are not what they should be. */
export function refused(message: string): TrainError {
  return new TrainError('bad-weights', message);
}
