import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The checkout's root. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Runs a command in the checkout and ends this process with its exit code when it fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} env
 */
export async function run(command, args, env = {}) {
  const child = spawn(command, args, options('inherit', env))
  // Ctrl+C reaches the child as well, which ends in its own time.
  const wait = () => undefined
  process.on('SIGINT', wait).on('SIGTERM', signal => child.kill(signal))
  const status = await ended(child)
  process.off('SIGINT', wait)
  if (status !== 0) process.exit(status)
}

/**
 * Runs one step of several: says what it is and how long it takes, and shows what it printed only where it fails.
 * @param {string} what
 * @param {string} command
 * @param {readonly string[]} args
 */
export async function step(what, command, args) {
  const began = performance.now()
  const seconds = () => `${Math.round((performance.now() - began) / 1000)} s`
  const ticks = progress(what, seconds)
  const child = spawn(command, args, options(['ignore', 'pipe', 'pipe']))
  let said = ''
  const listen = chunk => {
    said = (said + String(chunk)).slice(-65_536)
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  const status = await ended(child)
  ticks.end(status === 0 ? seconds() : 'failed')
  if (status === 0) return
  process.stderr.write(said)
  process.exit(status)
}

/** In a terminal one line that counts seconds; elsewhere a line at the beginning, every ten seconds, and at the end. */
function progress(what, seconds) {
  const isTerminal = process.stdout.isTTY === true
  const show = text => process.stdout.write(isTerminal ? `\r\x1b[K${what} … ${text}` : `${what} … ${text}\n`)
  process.stdout.write(isTerminal ? `${what} …` : `${what} …\n`)
  const timer = setInterval(() => show(seconds()), isTerminal ? 1000 : 10_000)
  return {
    end(text) {
      clearInterval(timer)
      show(isTerminal ? `${text}\n` : text)
    },
  }
}

function options(stdio, env = {}) {
  return { cwd: root, stdio, env: { ...process.env, ...env }, shell: process.platform === 'win32' }
}

function ended(child) {
  return new Promise(resolve => {
    child.once('error', error => {
      console.error(error.message)
      resolve(1)
    })
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)))
  })
}

/** Installs the locked dependencies unless just these are installed already. */
export async function install() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Countersign needs Node 20.19 or newer; this is ${process.versions.node}.`)
    process.exit(1)
  }
  const lock = createHash('sha256')
    .update(readFileSync(`${root}/package-lock.json`))
    .digest('hex')
  const mark = `${root}/node_modules/.installed-lock`
  if (existsSync(mark) ? readFileSync(mark, 'utf8') === lock : isInstalled()) return
  await step('installing what package-lock.json names', 'npm', ['ci', '--no-audit', '--no-fund'])
  writeFileSync(mark, lock)
}

/** Whether `npm ci`, run by hand, has installed what is locked: it writes so beside the packages, once all are there. */
function isInstalled() {
  const listed = `${root}/node_modules/.package-lock.json`
  if (!existsSync(listed)) return false
  const packagesOf = file => Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages)
  const installed = new Map(packagesOf(listed))
  // What is optional may be for another kind of machine.
  return packagesOf(`${root}/package-lock.json`).every(
    ([path, { integrity, optional }]) => optional || installed.get(path)?.integrity === integrity,
  )
}

// Two packages at a time, each checked by one thread: on two processors a third faster than the other way round.
const compile = ['node_modules/typescript/bin/tsc', '-b', '--builders', '2', '--checkers', '1']

/** Compiles every package and checks types; the compiler also checks who may import whom. */
export async function build() {
  await step('checking types and building', process.execPath, compile)
  await buildPage()
}

/** Builds the page of the playground. */
async function buildPage() {
  await step('building the page of the playground', process.execPath, ['scripts/build-page.mjs'])
}

/** Compiles the command and what it needs, without checking types: to run it, not to judge it. */
export async function buildCommand() {
  await step('building the command and the packages under it', process.execPath, [
    ...compile,
    'packages/cli',
    '--noCheck',
  ])
  await buildPage()
}
