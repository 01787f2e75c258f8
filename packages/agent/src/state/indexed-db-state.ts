import type { SigningKey } from '@countersign/httpsig'
import { generateKeyPair, signingKeyOf } from '@countersign/httpsig/web'
import { checkOptionsOffPage } from '@countersign/protocol/internal'
import { AgentError } from '../error.js'
import { queues } from './queue.js'
import type { AgentState, StateKeys } from './state.js'

/** Options of {@link indexedDbState}. */
export interface IndexedDbStateOptions {
  /** The name of the database, one for each agent of the origin. Default `countersign-agent`. */
  readonly name?: string
  /** Default: the platform's. */
  readonly indexedDB?: IDBFactory
  /** Locks between tabs and workers. Default: the platform's, if it has them; else tasks take turns in this tab only. */
  readonly locks?: Pick<LockManager, 'request'>
}

/** A stored key: the browser clones it without exposing the key material. */
interface StoredKey {
  readonly algorithm: 'Ed25519' | 'ES256'
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

type StoreName = 'values' | 'keys'

/**
 * State in IndexedDB, shared by the tabs and workers of an origin. Keys are non-extractable: an injected script (XSS) can
 * use them while it runs, but cannot take them away. A browser may clear its storage; if losing the enrolment matters, ask
 * for `navigator.storage.persist()`.
 * @throws TypeError when there is no IndexedDB
 * @throws AgentError `state_unusable` on use when the browser gives the page no storage
 */
export function indexedDbState(options: IndexedDbStateOptions = {}): AgentState {
  checkOptionsOffPage('indexedDbState', options, { name: 'string', indexedDB: 'object', locks: 'object' })
  const { name = 'countersign-agent', indexedDB = globalThis.indexedDB } = options
  if (indexedDB === undefined) throw new TypeError('there is no IndexedDB here: use another state')
  const locks = options.locks ?? globalThis.navigator?.locks
  const inTurn = queues()
  let opened: Promise<IDBDatabase> | undefined
  // A database that the browser closed, or that did not open, is opened anew.
  const forget = (): void => {
    opened = undefined
  }
  const database = (): Promise<IDBDatabase> => {
    if (opened === undefined) {
      opened = open(indexedDB, name, forget)
      opened.catch(forget)
    }
    return opened
  }
  const within: Within = async (store, mode, act) => runTransaction(await database(), [store, mode], act)
  return {
    read: key => within('values', 'readonly', store => store.get(key)),
    write: async (key, value) => void (await within('values', 'readwrite', store => store.put(value, key))),
    remove: key => within('values', 'readwrite', store => store.delete(key)),
    keys: openKeys(within),
    exclusively: <T>(task: string, run: () => Promise<T>): Promise<T> =>
      locks === undefined ? inTurn(task, run) : (locks.request(`${name} ${task}`, run) as Promise<T>),
  }
}

/** One operation on one store, safe on disk when it resolves. */
type Within = <T>(
  store: StoreName,
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>,
) => Promise<T>

function openKeys(within: Within): StateKeys {
  const load = async (name: string): Promise<SigningKey | undefined> => {
    const stored: StoredKey | undefined | null = await within('keys', 'readonly', store => store.get(name))
    return stored === undefined || stored === null ? undefined : signingKeyOf(stored, stored.algorithm)
  }
  /** Makes a key, stores it and reads it back; undefined when the browser cannot do one of these with the algorithm. */
  const kept = async (algorithm: StoredKey['algorithm'], name: string): Promise<SigningKey | undefined> => {
    try {
      const { privateKey, publicKey } = await generateKeyPair(algorithm)
      const stored: StoredKey = { algorithm, privateKey, publicKey }
      await within('keys', 'readwrite', store => store.put(stored, name))
      return await load(name)
    } catch (error) {
      if (errorName(error) === 'NotSupportedError' || errorName(error) === 'DataCloneError') return undefined
      throw error
    }
  }
  return {
    load,
    async generate(name) {
      // Older browsers lack Ed25519; Firefox before 136 makes such keys but cannot store them.
      const key = (await kept('Ed25519', name)) ?? (await kept('ES256', name))
      if (key === undefined) throw new AgentError('state_unusable', 'the browser does not keep keys for the page')
      return key
    },
    remove: name => within('keys', 'readwrite', store => store.delete(name)),
  }
}

function open(factory: IDBFactory, name: string, closed: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(unusableError(cause))
    try {
      const request = factory.open(name, 1)
      request.onupgradeneeded = () => {
        for (const store of ['values', 'keys']) request.result.createObjectStore(store)
      }
      request.onerror = () => fail(request.error)
      request.onsuccess = () => {
        const database = request.result
        database.onclose = closed
        // Another tab deletes the database or runs a newer version of this program, and must not wait for this tab.
        database.onversionchange = () => {
          closed()
          database.close()
        }
        resolve(database)
      }
    } catch (error) {
      fail(error)
    }
  })
}

function runTransaction<T>(
  database: IDBDatabase,
  [name, mode]: readonly [store: StoreName, mode: IDBTransactionMode],
  act: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      const running = database.transaction(name, mode, { durability: 'strict' })
      const request = act(running.objectStore(name))
      running.oncomplete = () => resolve(request.result)
      running.onabort = () => reject(unusableError(running.error))
    } catch (error) {
      reject(unusableError(error))
    }
  })
}

/** The error for storage that fails. Without the browser's message, which could quote stored values. */
function unusableError(cause: unknown): AgentError {
  return new AgentError('state_unusable', 'the browser gives the page no storage', { name: errorName(cause) })
}

/** Returns the browser's name of an error, also of one inside an AgentError. */
function errorName(error: unknown): string {
  if (error instanceof AgentError) return (error.cause as { readonly name: string }).name
  return error instanceof Error || error instanceof DOMException ? error.name : 'unknown'
}
