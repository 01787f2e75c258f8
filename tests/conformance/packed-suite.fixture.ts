import { packAll } from '../../scripts/pack.mjs'

/** Packs the suite as npm gets it, into a folder. @returns its tarball */
export function packSuite(folder: string): string {
  const [packed] = packAll(folder, { rooms: ['packages/conformance'] })
  if (packed === undefined) throw new Error('nothing was packed')
  return packed.tarball
}
