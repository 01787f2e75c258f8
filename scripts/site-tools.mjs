// VitePress and TypeDoc: each has a folder with a lock file of its own, is no workspace, and is installed only for the site.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { root } from './install.mjs'

const tools = [
  ['reference', 'typedoc'],
  ['site', 'vitepress'],
]

/**
 * Installs those that are not there in the version that is wanted. No install script runs.
 * @param {(name: string) => void} begin is told what is installed
 * @returns why one cannot be had; undefined where all are there
 */
export function installSiteTools(begin = () => undefined) {
  for (const [folder, name] of tools) {
    if (isInstalled(folder, name)) continue
    begin(name)
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
    const { stderr } = spawnSync('npm', ['ci', ...options, '--prefix', `${root}/${folder}`], {
      cwd: root,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    })
    if (!isInstalled(folder, name))
      return `npm could not install ${name} in ${folder}/: ${stderr?.trim().split('\n')[0] ?? ''}`
  }
  return undefined
}

function isInstalled(folder, name) {
  const { version } = read(`${root}/${folder}/node_modules/${name}/package.json`)
  return version !== undefined && version === read(`${root}/${folder}/package.json`).devDependencies[name]
}

function read(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
}
