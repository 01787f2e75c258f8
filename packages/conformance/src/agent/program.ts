import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** What became of a program. */
export interface Ended {
  readonly code: number | null
  /** Whether it had to be ended. */
  readonly wasEnded: boolean
  /** The beginning of what it printed. */
  readonly output: string
}

/** How a program is run. */
export interface ProgramRun {
  readonly command: readonly string[]
  /** Put in place of `{url}`, or added at the end. */
  readonly url: string
  /** Milliseconds. */
  readonly deadline: number
  /** Told of all that it has printed so far, each time that it prints more. */
  readonly onOutput?: ((output: string) => void) | undefined
}

const longestOutput = 256 * 1024

/** Runs programs, a few at once for each core: they wait much of their time. */
export function openPrograms(): (o: ProgramRun) => Promise<Ended> {
  const free = { places: 2 * availableParallelism() + 1 }
  const waiting: Array<() => void> = []
  return async o => {
    if (free.places === 0) await new Promise<void>(resolve => waiting.push(resolve))
    else free.places -= 1
    try {
      return await run(o)
    } finally {
      const next = waiting.shift()
      if (next === undefined) free.places += 1
      else next()
    }
  }
}

function run({ command, url, deadline, onOutput }: ProgramRun): Promise<Ended> {
  const [program = '', ...args] = command.includes('{url}')
    ? command.map(word => (word === '{url}' ? url : word))
    : [...command, url]
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let wasEnded = false
    let output = ''
    const hear = (chunk: Buffer): void => {
      if (output.length > longestOutput) return
      output += chunk.toString('utf8')
      onOutput?.(output)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    const timer = setTimeout(() => {
      wasEnded = true
      child.kill('SIGKILL')
    }, deadline)
    child.once('error', reject)
    child.once('close', code => {
      clearTimeout(timer)
      resolve({ code, wasEnded, output })
    })
  })
}
