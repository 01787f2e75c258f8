import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { lastRelease } from '../scripts/changelog.mjs'
import { root } from './processes.fixture.js'

/** The previous version, as CHANGELOG.md names it. */
export const previous: { readonly version: string; readonly commit: string } = lastRelease()

/** Whether this checkout holds the commit of the previous version; a shallow clone does not. */
export function hasPrevious(): boolean {
  try {
    execFileSync('git', ['cat-file', '-e', `${previous.commit}^{commit}`], { cwd: root, stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/**
 * The folder of the previous version, built with the packages that its own lock file names; its command is
 * `packages/cli/bin/countersign.js` in there. Made once for each commit, kept in the checkout's folder `.countersign`; not under `node_modules`, where the compiler takes no sources.
 */
export function buildPrevious(): string {
  const folder = join(root, '.countersign/releases', previous.commit)
  if (existsSync(folder)) return folder
  const making = `${folder}.${process.pid}`
  rmSync(making, { recursive: true, force: true })
  mkdirSync(making, { recursive: true })
  try {
    const sources = execFileSync('git', ['archive', previous.commit], { cwd: root, maxBuffer: 256 * 1024 * 1024 })
    execFileSync('tar', ['-x', '-C', making], { input: sources })
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--silent'], {
      cwd: making,
    })
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b'], { cwd: making })
    renameSync(making, folder)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
  return folder
}
