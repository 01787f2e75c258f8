import { memoryRevocationSet, type RevocationSet } from '@countersign/resource'
import { reaching } from '../../server/away.js'
import type { Opened } from '../../server/closing-on-failure.js'

/** The revoked grants that the instances of one gateway refuse; without `revocations` each knows those it was told itself, in memory. */
export async function sharedRevocations(
  settings: { readonly id: string; readonly revocations?: string | undefined },
  opened: Opened,
): Promise<RevocationSet> {
  if (settings.revocations === undefined) return memoryRevocationSet()
  const { redisRevocationSet } = await import('@countersign/redis/resource')
  const opening = redisRevocationSet({ url: settings.revocations, prefix: `countersign:revoked:${settings.id}` })
  return opened(await reaching('--revocations', settings.revocations, opening))
}
