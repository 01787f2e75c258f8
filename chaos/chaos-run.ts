import { setTimeout as sleep } from 'node:timers/promises'
import { check } from './check/check.js'
import type { Evidence } from './check/evidence.js'
import { startLoad } from './clients/load.js'
import { openProbes, type Probes } from './clients/probes.js'
import { openCourier } from './clients/send.js'
import type { ClientWorld } from './clients/world.js'
import { catalogue, roundsOf } from './faults/catalogue.js'
import type { Fault } from './faults/fault.js'
import { finalReads, lastLook } from './final-reads.js'
import { ofType, openHistory } from './history.js'
import { promises } from './promises.js'
import { random as randomOf } from './random.js'
import { type Report, reportOf } from './report.js'
import { type Rig, startRig } from './rig/rig.js'
import { users } from './rig/settings.js'
import type { Sabotage } from './sabotage.js'

/** How a run is made. */
export interface ChaosOptions {
  readonly seed: number
  readonly minutes: number
  readonly faults: readonly Fault[]
  /** The Redis that servers share. */
  readonly redis: 'single' | 'cluster'
  /** JSON lines of all that was seen; default none. */
  readonly history?: string | undefined
  /** Break invariants on purpose, after the faults. */
  readonly sabotages?: readonly Sabotage[] | undefined
  readonly say: (line: string) => void
}

/** Milliseconds that a fault lasts, and how long its end is watched at least. */
const [lasts, watched] = [7000, 3000]
const clients = 3

/** Starts everything, breaks it for the time, and judges what was seen. */
export async function runChaos(o: ChaosOptions): Promise<Report> {
  const history = openHistory(o.history)
  const random = randomOf(o.seed)
  const begin = Date.now()
  const rig = await startRig({ history, random: random.branch('rig'), redis: o.redis })
  try {
    const { auth, agents, gateway, partner } = rig.addresses
    const nameOf = (id: string): string =>
      ({ [auth]: 'auth', [agents]: 'agents', [gateway]: 'gateway', [partner]: 'partner' })[id] ?? id
    const courier = openCourier(history, nameOf)
    const revokeAsOperator = async (grant: string) => void (await rig.operate(['grants', 'revoke', '--grant', grant]))
    const world: ClientWorld = { addresses: rig.addresses, history, courier, revokeAsOperator }
    const few = Math.floor(users.length / 4)
    const [ofLoad, ofProbes] = [users.slice(0, few), users.slice(few)]
    const probes = await openProbes(world, { users: ofProbes, random: random.branch('probes') })
    const load = startLoad(world, { clients, users: ofLoad, pause: 300, random: random.branch('load') })
    o.say(`started in ${seconds(Date.now() - begin)} s`)
    // Servers that have just started compile their code yet: the second time is what all flows take.
    const broken = await probes.all(promises.recovery)
    if (broken.length > 0) throw new Error(`before any fault, this does not work: ${broken.join(', ')}`)
    const calmBegin = Date.now()
    await probes.all(promises.recovery)
    const baseline = Date.now() - calmBegin
    await sleep(watched)
    await breakIt(rig, { ...o, probes, random: random.branch('faults') })
    for (const { name, run } of o.sabotages ?? []) {
      o.say(`sabotage: ${name}`)
      await run(rig, fault => oneRound(rig, [fault], { ...o, probes, round: roundsIn(history) + 1 }))
      await sleep(watched)
    }
    await load.stop()
    const all = [...load.clients, ...probes.clients]
    await lastLook(all)
    const reads = await finalReads(rig)
    courier.close()
    const silent = new Set(catalogue.filter(fault => fault.silent).map(({ name }) => name))
    const evidence: Evidence = { records: history.records, reads, promises, silent, audited: auth }
    return reportOf(evidence, {
      seed: o.seed,
      milliseconds: Date.now() - calmBegin,
      baseline,
      violations: check(evidence),
    })
  } finally {
    history.flush()
    await rig.stop()
  }
}

/** The flows whose last step since a time has failed. */
function failing({ records }: Rig['history'], since: number): string[] {
  const last = new Map<string, boolean>()
  for (const { flow, begin, works } of ofType(records, 'step')) if (begin >= since) last.set(flow, works)
  return [...last].filter(([, works]) => !works).map(([flow]) => flow)
}

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(1)

const roundsIn = ({ records }: Rig['history']): number =>
  Math.max(0, ...ofType(records, 'fault').map(({ round }) => round))

async function breakIt(
  rig: Rig,
  o: ChaosOptions & { readonly probes: Probes; readonly random: ReturnType<typeof randomOf> },
): Promise<void> {
  const until = Date.now() + o.minutes * 60_000
  for (const faults of roundsOf(o.faults, o.random)) {
    if (Date.now() >= until || faults.length === 0) return
    await oneRound(rig, faults, { ...o, round: roundsIn(rig.history) + 1 })
  }
}

async function oneRound(
  { history, ...rig }: Rig,
  faults: readonly Fault[],
  { round, probes, say }: { readonly round: number; readonly probes: Probes; readonly say: (line: string) => void },
): Promise<void> {
  const note = (phase: 'apply' | 'heal', { name }: Fault): void =>
    history.add({ type: 'fault', at: Date.now(), round, fault: name, phase })
  const applied: Array<readonly [Fault, Awaited<ReturnType<Fault['apply']>>]> = []
  for (const fault of faults) {
    note('apply', fault)
    applied.push([fault, await fault.apply({ history, ...rig })])
  }
  const tried = probes.once()
  await sleep(lasts)
  const bites = await Promise.all(applied.map(async ([{ name }, { measure }]) => ({ name, ...(await measure()) })))
  for (const { name, ...bite } of bites) history.add({ type: 'bite', round, fault: name, ...bite })
  await Promise.all(
    applied.map(async ([fault, { heal }]) => {
      await heal()
      note('heal', fault)
    }),
  )
  const healed = Date.now()
  await tried
  const missing = await probes.all(promises.recovery)
  const took = Date.now() - healed
  await sleep(Math.max(watched - took, 500))
  // What failed once more meanwhile must work again, too.
  missing.push(...(await probes.all(promises.recovery)))
  for (let failed = failing(history, healed); failed.length > 0; failed = failing(history, healed)) {
    const never = await probes.all(promises.recovery, failed)
    missing.push(...never)
    if (never.length > 0) break
  }
  const bitten = bites.map(({ name, measured, unit }) => `${name} (${measured} ${unit})`).join(' + ')
  say(
    `${round}. ${bitten}: ${missing.length === 0 ? `works again after ${seconds(took)} s` : `never again: ${missing.join(', ')}`}`,
  )
  history.flush()
}
