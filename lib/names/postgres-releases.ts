// Which releases of PostgreSQL are recent enough. Older programs cause a warning; no image is built of them.

/**
 * The releases, by major version, that fix what a hostile server or dump could do to the programs (CVE-2026-6477, CVE-2025-8714,
 * CVE-2025-8715). Images are built again when one of these numbers is raised.
 */
export const SECURITY_FLOORS = { 14: 23, 15: 18, 16: 14, 17: 10, 18: 4 } as const;
