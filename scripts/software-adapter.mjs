/** A software adapter for machines without a GPU: that of an installed Chromium, as a Vulkan driver. */
import { existsSync } from 'node:fs';

const DRIVERS = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/opt/google/chrome/vk_swiftshader_icd.json'];

/**
 * Opens a device, at the second try on the software adapter.
 * @param open - throws where there is no adapter
 */
export async function withSoftwareAdapter(open) {
  // The Vulkan loader names this variable if it is missing, and needs nothing of it.
  process.env.XDG_RUNTIME_DIR ??= '/tmp';
  try {
    return await open();
  } catch (error) {
    const driver = DRIVERS.find((path) => existsSync(path));
    if (!driver || process.env.VK_ICD_FILENAMES) throw error;
    process.env.VK_ICD_FILENAMES = driver;
    return open();
  }
}
