import { readdirSync, readFileSync } from 'node:fs'

/** Microseconds of a tick of /proc. */
const tick = 10_000

/** Microseconds of CPU of a process and of its children, those that have ended included. Linux only. */
export function familyCpu(pid: number): number {
  const children = readdirSync(`/proc/${pid}/task`).flatMap(thread =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  )
  return [cpuOf(pid, 4), ...children.map(child => cpuOf(child, 2))].reduce((sum, one) => sum + one)
}

/** @param fields 2: user and system; 4: also those of children that have ended */
function cpuOf(pid: number, fields: 2 | 4): number {
  let stat = ''
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    // It has just ended: its parent counts it from now on.
    return 0
  }
  // The name is in parentheses and may hold spaces. After it, fields 12 to 15 are the ticks.
  const ticks = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 11 + fields)
  return ticks.map(Number).reduce((sum, one) => sum + one) * tick
}
