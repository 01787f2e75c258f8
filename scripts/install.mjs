import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The checkout's root. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs a command in the checkout and ends this process with its exit code when it fails. */
export function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  })
  if (error) console.error(error.message)
  if (status !== 0) process.exit(status ?? 1)
}

/** Installs the locked dependencies unless just these are installed already. */
export function install() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Countersign needs Node 20.19 or newer; this is ${process.versions.node}.`)
    process.exit(1)
  }
  const lock = createHash('sha256')
    .update(readFileSync(`${root}/package-lock.json`))
    .digest('hex')
  const mark = `${root}/node_modules/.installed-lock`
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return
  run('npm', ['ci', '--no-audit', '--no-fund'])
  writeFileSync(mark, lock)
}

/** Compiles every room; the compiler also checks who may import whom. */
export function build() {
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-b'])
}
