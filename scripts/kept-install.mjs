// Programs that only tests need, without being dependencies: large, or of one platform.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.mjs'

/**
 * Installs packages when they are first asked for, and keeps them in the checkout's folder `.countersign`. No install script runs.
 * @param {string} name of the folder there; another set of versions needs another name
 * @param {readonly string[]} packages with their versions
 * @returns the folder, or undefined where npm does not have them
 */
export function keptInstall(name, packages) {
  const folder = join(root, '.countersign', name)
  if (existsSync(folder)) return folder
  // Two test files may come at once: whoever is done first is the one.
  const making = `${folder}.${process.pid}.${Date.now()}`
  mkdirSync(making, { recursive: true })
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--silent']
  const { status } = spawnSync('npm', ['install', ...options, '--prefix', making, ...packages], { cwd: making })
  if (status === 0 && !existsSync(folder)) renameSync(making, folder)
  else rmSync(making, { recursive: true })
  return existsSync(folder) ? folder : undefined
}
