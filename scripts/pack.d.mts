/** A package and its tarball. */
export interface Packed {
  readonly room: string
  readonly name: string
  readonly tarball: string
}

export function packAll(
  into: string,
  options?: { readonly ref?: string; readonly manifests?: string; readonly rooms?: readonly string[] },
): Packed[]
export function absoluteLinks(page: string, room: string, ref: string): string
export function outsideSamples(page: string, change: (text: string) => string): string
