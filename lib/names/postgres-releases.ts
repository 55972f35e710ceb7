// Which releases of PostgreSQL are recent enough. Whoever runs older programs is told; an image is not built of older ones.

/**
 * The releases, by major version, that fix what a hostile server or dump could do to the programs (CVE-2026-6477, CVE-2025-8714,
 * CVE-2025-8715). Images are built anew when one of these numbers is raised.
 */
export const SECURITY_FLOORS = { 14: 23, 15: 18, 16: 14, 17: 10, 18: 4 } as const;
