import dns from 'node:dns'
import { readFileSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { promisify } from 'node:util'

// Loaded into a server before its own code (`node --import`): moves its clock, answers for its resolver, and fills its memory, as a file
// says.

/** What the file says. */
export interface ProcessFaults {
  /** Milliseconds by which the clock is wrong. */
  readonly clock?: number
  /** Names that end in `.chaos.test`: as they are (default), after some seconds, as missing, or as another address. */
  readonly dns?: 'right' | 'slow' | 'missing' | 'lying'
  /** `full`: all that the process may have is taken, and it ends. Default `free`. */
  readonly memory?: 'full' | 'free'
}

/** Where the right server is, and where a lie leads. */
const [right, wrong] = ['127.0.0.1', '127.0.0.2']
const slowness = 8000
const suffix = '.chaos.test'
const file = process.env['CHAOS_FAULTS'] ?? ''
const SystemDate = Date
let faults: ProcessFaults = {}

/** Reads what the file says, and writes beside it what the process now sees. */
function readFaults(): void {
  try {
    const before = JSON.stringify(faults)
    faults = JSON.parse(readFileSync(file, 'utf8'))
    if (before === JSON.stringify(faults)) return
    const seen = { off: Date.now() - SystemDate.now() }
    writeFileSync(`${file}.seen`, JSON.stringify(seen))
    if (faults.memory === 'full') fillMemory()
  } catch {
    // It is being written; the next look finds it.
  }
}

const taken: object[] = []

function fillMemory(): void {
  for (;;) taken.push(Array.from({ length: 1000 }, (_, index) => ({ index })))
}

function moveClock(): void {
  const now = (): number => SystemDate.now() + (faults.clock ?? 0)
  globalThis.Date = new Proxy(SystemDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new SystemDate(now()).toString(),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  })
}

type Lookup = (host: string, options: unknown, callback?: unknown) => void

function answerNames(): void {
  const original = dns.lookup as unknown as Lookup
  const lookup: Lookup = (host, options, callback) => {
    const done = (typeof options === 'function' ? options : callback) as (...args: unknown[]) => void
    if (!host.endsWith(suffix)) return original(host, options, callback)
    const kind = faults.dns ?? 'right'
    const wantsAll = typeof options === 'object' && options !== null && 'all' in options && options.all === true
    const answer = (): void => {
      if (kind === 'missing') {
        done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND', hostname: host }))
        return
      }
      const address = kind === 'lying' ? wrong : right
      if (wantsAll) done(null, [{ address, family: 4 }])
      else done(null, address, 4)
    }
    setTimeout(answer, kind === 'slow' ? slowness : 0)
  }
  dns.lookup = lookup as typeof dns.lookup
  dns.promises.lookup = promisify(lookup) as unknown as typeof dns.promises.lookup
  syncBuiltinESMExports()
}

if (file !== '') {
  moveClock()
  answerNames()
  readFaults()
  setInterval(readFaults, 200).unref()
}
