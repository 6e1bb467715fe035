// swift-tools-version:5.9
import PackageDescription

let checked: [SwiftSetting] = [.enableExperimentalFeature("StrictConcurrency")]

let package = Package(
    name: "Keymoor",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [
        .library(name: "Keymoor", targets: ["Keymoor"]),
        .library(name: "KeymoorLinux", targets: ["KeymoorLinux"]),
    ],
    targets: [
        .target(name: "Keymoor", resources: [.copy("PrivacyInfo.xcprivacy")], swiftSettings: checked),
        // Apple's platforms have CryptoKit, so only Linux asks for OpenSSL.
        .systemLibrary(name: "CLibCrypto", providers: [.apt(["libssl-dev"])]),
        .target(
            name: "KeymoorLinux",
            dependencies: ["Keymoor", .target(name: "CLibCrypto", condition: .when(platforms: [.linux]))],
            swiftSettings: checked
        ),
        .testTarget(name: "KeymoorTests", dependencies: ["Keymoor", "KeymoorLinux"], swiftSettings: checked),
    ]
)
