import type { Packed } from './pack.mjs'

export function faultsOf(packed: Pick<Packed, 'name' | 'tarball'>, ref: string): Promise<string[]>
export function entries(tarball: string): string[]
export function readEntry(tarball: string, file: string): string
export function anchorsOf(page: string): Set<string>
