import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'

/** Judges first and last second of a window, and their neighbours, by the clock of a machine somewhere. */
const program = `
  import { endOf, firstUnmet, parseConditions } from '@countersign/conditions'
  const office = { type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' }
  const conditions = parseConditions([office])
  const times = ['07:59:59', '08:00:00', '16:59:59', '17:00:00'].map(time => Date.parse('2026-11-23T' + time + 'Z') / 1000)
  const holds = now => firstUnmet(conditions, { now, resource: '', scope: [], levels: 0, services: [] }) === undefined
  console.log(JSON.stringify([new Date(0).getTimezoneOffset(), times.map(holds), endOf(conditions, times[1]) - times[3]]))`

test(verifies('DEL-24', 'first and last second of a window pass, wherever the machine is'), async () => {
  const zones = { UTC: 0, 'Pacific/Auckland': -720, 'America/Los_Angeles': 480, 'Asia/Kolkata': -330 }
  for (const [TZ, offset] of Object.entries(zones)) {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      env: { ...process.env, TZ },
    })
    expect(JSON.parse(stdout), TZ).toEqual([offset, [false, true, true, false], 0])
  }
})
