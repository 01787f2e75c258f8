/** A package that is published. */
export interface PublishedPackage {
  /** Such as `packages/agent`. */
  readonly room: string
  readonly folder: string
  readonly manifest: PackageManifest
}

/** As much of a package.json as is looked at. */
export interface PackageManifest {
  readonly name: string
  readonly version: string
  readonly description?: string
  readonly keywords?: readonly string[]
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly sideEffects?: boolean
  readonly [member: string]: unknown
}

export function packages(base?: string): PublishedPackage[]
export function withDependencies(name: string, without?: readonly string[]): string[]
export function readManifest(folder: string): PackageManifest
export function sharedMetadata(room: string, base?: string): Record<string, unknown>
export function webUrl(): string
export function writeManifests(base?: string): void
export function writeJson(file: string, value: unknown): void
