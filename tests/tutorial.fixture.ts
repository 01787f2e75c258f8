import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { root } from './processes.fixture.js'

// Runs a tutorial as its reader does: writes its files, types its commands, and compares what is printed with what the page shows.
// What stands behind the language of a block is for this runner, and no page shows it:
//   ts NAME           a file; a later block of that name replaces it
//   sh                a command; `fails`: it ends with an error; `user="NAME"`: opens the link that it prints, and agrees
//   sh server=NAME    a command that goes on in a terminal of its own; ends the one of that name that runs
//   sh install        what the test has done before
//   text              what the command before it has printed; `…` stands for anything
// In a command, CODE and TXN stand for the members of these names that were printed last.

/** The tutorials, without those that a test of their own runs. */
export const tutorials: readonly string[] = readdirSync(join(root, 'docs/tutorials'))
  .filter(file => file.endsWith('.md') && file !== 'README.md')
  .map(file => `docs/tutorials/${file}`)

/** A block of code of a page. */
export interface Block {
  readonly language: string
  /** What follows the language: `server=api` is `{ server: 'api' }`, and `fails` is `{ fails: '' }`. */
  readonly info: Readonly<Record<string, string>>
  readonly text: string
}

/** The blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\w+)(.*)\n([\s\S]*?)^```$/gm)].map(([, language = '', rest = '', text = '']) => ({
    language,
    text,
    info: Object.fromEntries(
      [...rest.matchAll(/([^\s=]+)(?:="([^"]*)"|=(\S+))?/g)].map(([, name = '', quoted, bare]) => [
        name,
        quoted ?? bare ?? '',
      ]),
    ),
  }))
}

/** Whether an output is what a page shows of it: a line `…` stands for any lines, and `…` in a line for any text. */
export function isShown(output: string, shown: string): boolean {
  const lines = shown.trim().split('\n')
  const pattern = lines.map(line =>
    line.trim() === '…' ? '(?:.*\\n)*?' : `${line.trimEnd().split('…').map(escaped).join('.*')}[ \\t]*\\n`,
  )
  return new RegExp(`^${pattern.join('')}$`).test(`${output.trim()}\n`)
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** Where a tutorial is run, and who its user is. */
export interface TutorialPlace {
  /** The reader's folder; the packages stand in it or above. */
  readonly folder: string
  /** Opens a link in the place of the user of that name, and agrees. */
  readonly decide: (user: string, link: string) => Promise<unknown>
}

/** Runs a page to its end. */
export async function runTutorial(page: string, place: TutorialPlace): Promise<void> {
  mkdirSync(place.folder, { recursive: true })
  const servers = new Map<string, ChildProcess>()
  const printed = new Map<string, string>()
  let output = ''
  try {
    for (const { language, info, text } of blocksOf(readFileSync(join(root, page), 'utf8'))) {
      const [name = ''] = Object.keys(info)
      const command = text.trim().replaceAll(/\b(?:CODE|TXN)\b/g, member => printed.get(member) ?? member)
      if (language === 'text') expect(isShown(output, text) ? text : output, `${page}: what is printed`).toBe(text)
      else if (name.includes('.')) writeFileSync(join(place.folder, name), text)
      else if (language !== 'sh' || 'install' in info) continue
      else if ('server' in info) {
        const { server = '' } = info
        await stopped(servers.get(server))
        servers.set(server, await startedServer(command, place))
      } else {
        output = await printedBy(command, { ...place, user: info['user'], fails: 'fails' in info })
        for (const [, member = '', value = ''] of output.matchAll(/"(code|txn)":"([^"]+)"/g))
          printed.set(member.toUpperCase(), value)
      }
    }
  } finally {
    for (const server of servers.values()) await stopped(server)
  }
}

/** A shell in the reader's folder, which is its home, too. It leads a group of its own, which ends as a whole. */
function shell(command: string, folder: string): ChildProcess {
  return spawn('bash', ['-c', command], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: folder, npm_config_update_notifier: 'false', npm_config_offline: 'true' },
  })
}

function startedServer(command: string, { folder }: TutorialPlace): Promise<ChildProcess> {
  const child = shell(command, folder)
  return new Promise((resolve, reject) => {
    let said = ''
    const listen = (chunk: unknown): void => {
      said = (said + String(chunk)).slice(-8192)
      // In the second of its start a guard cannot tell what was signed before; no reader is that fast.
      if (/\bready at /.test(said)) setTimeout(resolve, 1100, child)
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('close', status => reject(new Error(`${command} ended with ${status}:\n${said}`)))
  })
}

function stopped(server: ChildProcess | undefined): Promise<void> {
  if (server?.pid === undefined || server.exitCode !== null || server.signalCode !== null) return Promise.resolve()
  const { pid } = server
  return new Promise(resolve => {
    server.once('close', () => resolve())
    process.kill(-pid, 'SIGTERM')
  })
}

type Run = TutorialPlace & { readonly user: string | undefined; readonly fails: boolean }

/** What a command prints to both outputs. */
async function printedBy(command: string, { folder, decide, user, fails }: Run): Promise<string> {
  const child = shell(`{ ${command}\n} 2>&1`, folder)
  const visits = new Map<string, Promise<unknown>>()
  let printed = ''
  child.stdout?.on('data', chunk => {
    printed += String(chunk).replaceAll('\r', '')
    if (user === undefined) return
    for (const [link] of printed.matchAll(/http:\/\/localhost:\d+\/\S+\?\S+(?=\s)/g))
      if (!visits.has(link)) visits.set(link, decide(user, link))
  })
  const status = await new Promise(resolve => child.once('close', resolve))
  await Promise.all(visits.values())
  expect(status === 0, `${command} ended with ${status}:\n${printed}`).toBe(!fails)
  // In a terminal `countersign fetch` ends the line after an answer; here its message would stand behind it.
  return printed.replaceAll(/([^\n])(countersign: \d{3}: )/g, '$1\n$2')
}

/** The packages that the blocks of a page import, and the commands that they start by npx. */
export function needs(blocks: readonly Block[]): Set<string> {
  const imported = blocks
    .filter(({ language }) => language === 'ts' || language === 'js')
    .flatMap(({ text }) => [...text.matchAll(/from '(@[^/']+\/[^/']+|[^./'][^/']*)/g)].map(([, name = '']) => name))
  const started = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => [...text.matchAll(/\bnpx (\w+)/g)].map(([, name = '']) => name))
  return new Set([...imported, ...started].filter(name => !name.startsWith('node:')))
}

/** What the page tells the reader to install. */
export function installed(blocks: readonly Block[]): Set<string> {
  const lines = blocks.filter(({ info }) => 'install' in info).map(({ text }) => text)
  return new Set(
    lines.flatMap(text => [...text.matchAll(/npm install (.*)$/gm)].flatMap(([, names = '']) => names.split(/\s+/))),
  )
}
