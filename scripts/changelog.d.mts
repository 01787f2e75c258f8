/** One section of CHANGELOG.md. */
export interface Release {
  /** `Unreleased` for what is not released yet. */
  readonly version: string
  readonly date: string | undefined
  /** 40 hexadecimal digits. */
  readonly commit: string | undefined
  readonly notes: string
}

export function releasesIn(changelog: string): Release[]
export function releases(): Release[]
export function lastRelease(): Release & { readonly commit: string }
export function releaseSection(changelog: string, version: string, date: string): string
export function withCommit(changelog: string, version: string, commit: string): string
